"""Draw how well each method tells cases from controls, in the same folds."""

from decidua import tables
from decidua.figures.methods import methods_source, plot_methods
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        source = methods_source(tables.read(snakemake.input.table))
        figure = plot_methods(source, labels=snakemake.params.labels, synthetic=snakemake.params.synthetic)
        tables.write(source, snakemake.output.source)
        save(figure, [snakemake.output.png, snakemake.output.svg, snakemake.output.pdf])
