"""Draw fold change over mean, p-value over fold change, and the histogram of the p-values."""

from decidua import tables
from decidua.figures.differential import genes_source, histogram_source, plot_ma, plot_p_values, plot_volcano
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        out, synthetic = snakemake.output, snakemake.params.synthetic
        summary = tables.read(snakemake.input.summary)
        source, bars = genes_source(tables.read(snakemake.input.genes)), histogram_source(summary)
        words = {"labels": snakemake.params.labels, "synthetic": synthetic}
        for path in (out.ma_source, out.volcano_source):
            tables.write(source, path)
        tables.write(bars, out.p_source)
        save(plot_ma(source, summary, **words), [out.ma_png, out.ma_svg, out.ma_pdf])
        save(plot_volcano(source, summary, **words), [out.volcano_png, out.volcano_svg, out.volcano_pdf])
        save(plot_p_values(bars, summary, synthetic=synthetic), [out.p_png, out.p_svg, out.p_pdf])
