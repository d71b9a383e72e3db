"""Draw the raw rates and the logistic trend of one quantity over the number of earlier losses."""

from decidua import tables
from decidua.figures.band import band_source, plot_band
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        params = snakemake.params
        source = band_source(tables.read(snakemake.input.table), snakemake.wildcards.trend)
        figure = plot_band(
            source,
            labels=params.labels,
            synthetic=params.synthetic,
            title=params.title,
            history=params.settings["history"] or "history",
        )
        tables.write(source, snakemake.output.source)
        save(figure, [snakemake.output.png, snakemake.output.svg, snakemake.output.pdf])
