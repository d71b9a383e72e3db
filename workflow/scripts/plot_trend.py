"""Draw one quantity over the number of earlier losses."""

from decidua import tables
from decidua.figures.trends import plot_trend, trend_source
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        source = trend_source(tables.read(snakemake.input.table), snakemake.wildcards.trend)
        figure = plot_trend(source, labels=snakemake.params.labels, synthetic=snakemake.params.synthetic)
        tables.write(source, snakemake.output.source)
        save(figure, [snakemake.output.png, snakemake.output.svg, snakemake.output.pdf])
