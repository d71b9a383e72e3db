"""Draw one quantity over the number of earlier losses: by category, and with a logistic trend."""

from decidua import tables
from decidua.figures.band import band_source, plot_band
from decidua.figures.trends import plot_trend, trend_source
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        params, output = snakemake.params, snakemake.output
        table = tables.read(snakemake.input.table)
        words = {"labels": params.labels, "synthetic": params.synthetic, "title": params.title}
        words["history"] = params.settings["history"] or "history"
        for select, draw, paths in (
            (trend_source, plot_trend, (output.png, output.svg, output.pdf, output.source)),
            (band_source, plot_band, (output.band_png, output.band_svg, output.band_pdf, output.band_source)),
        ):
            source = select(table, snakemake.wildcards.trend)
            save(draw(source, **words), paths[:3])
            tables.write(source, paths[3])
