"""What do PyDESeq2 with its own fits and with all genes fitted at once cost, and how far are they apart?

usage: PYTHONPATH=workflow/scripts .venv/bin/python benchmarks/differential_expression.py [--genes 20000]

Prints CPU seconds of both on one simulated study, the dearer one on a share of the genes, scaled up.
"""

import argparse
import time

import numpy as np
import pandas as pd
from pydeseq2.dds import DeseqDataSet
from pydeseq2.default_inference import DefaultInference
from pydeseq2.ds import DeseqStats
from threadpoolctl import threadpool_limits

from decidua.negative_binomial import Batched
from decidua.simulation import Design, simulate


def run(
    counts: pd.DataFrame, design: pd.DataFrame, inference: DefaultInference
) -> tuple[float, pd.DataFrame]:
    """CPU seconds and the results of PyDESeq2."""
    start = time.process_time()
    data = DeseqDataSet(
        counts=counts.T, metadata=design[["case"]], design=design, inference=inference, quiet=True
    )
    data.deseq2()
    stats = DeseqStats(data, contrast=np.array([0.0, 1.0]), inference=inference, quiet=True)
    stats.summary()
    return time.process_time() - start, stats.results_df


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--genes", type=int, default=20_000)
    parser.add_argument("--share", type=int, default=10, help="every how manieth gene the slow fits take")
    options = parser.parse_args()
    made = simulate(Design(genes=options.genes), np.random.default_rng(1))
    counts = made.counts[(made.counts >= 10).sum(axis=1) >= 27]
    case = np.where(made.samples["label"] == "case", 0.5, -0.5)
    design = pd.DataFrame({"Intercept": 1.0, "case": case}, index=list(made.samples["sample"]))
    with threadpool_limits(limits=1):
        fast, _ = run(counts, design, Batched())
        some = counts.iloc[:: options.share]
        slow, theirs = run(some, design, DefaultInference(n_cpus=1))
        _, ours = run(some, design, Batched())
    print(f"{len(counts)} genes: all at once {fast:.1f} CPU s, one by one about {slow * options.share:.0f}")
    change = (ours["log2FoldChange"] - theirs["log2FoldChange"]).abs()
    log_p = np.log10(ours["pvalue"] / theirs["pvalue"]).abs()
    print(f"log2 fold change: median difference {change.median():.1e}, largest {change.max():.1e}")
    print(f"log10 p: median difference {log_p.median():.1e}, largest {log_p.max():.1e}")


if __name__ == "__main__":
    main()
