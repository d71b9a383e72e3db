"""How long does it take to read counts, and how much memory? Prints one table; asserts nothing.

usage: .venv/bin/python benchmarks/read_counts.py [--samples 135 2000] [--genes 20000]

The checked counts of a study (`tables.read_matrix`, .arrow) beside other forms of the same matrix, and what
the readers of users' files take (`read_any_counts`: parsed, every cell checked). Each reading is a process of
its own: `cpu_s` is of the reading alone, after the imports; `add_MiB` is what peak memory rose by (Linux).
`sum_s` is the CPU of one pass over all values, which a memory map pays later. Machines differ and are noisy:
compare rows of one run.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

CACHES = ("counts.arrow", "counts.parquet", "counts.npy", "cached.h5ad")
INPUTS = ("counts.tsv.gz", "turned.tsv.gz", "turned.parquet", "counts.parquet", "counts.h5ad", "counts.txt")


def write(folder: Path, samples: int, genes: int) -> None:
    """The same negative-binomial counts in every form."""
    from anndata import AnnData

    from decidua import tables

    rng = np.random.default_rng(1)
    mean = rng.lognormal(4, 1.5, genes)[:, None]
    values = rng.poisson(rng.gamma(2, mean / 2, (genes, samples))).astype(np.int32)
    names = pd.Index([f"S{i}" for i in range(samples)], name="sample")
    counts = pd.DataFrame(values, index=pd.Index([f"G{i}" for i in range(genes)], name="gene"), columns=names)
    tables.write_matrix(counts, folder / "counts.arrow")
    tables.write_matrix(counts, folder / "counts.parquet")
    np.save(folder / "counts.npy", np.asfortranarray(values))
    quick = {"method": "gzip", "compresslevel": 1}
    counts.to_csv(folder / "counts.tsv.gz", sep="\t", compression=quick)
    counts.T.to_csv(folder / "turned.tsv.gz", sep="\t", compression=quick)
    counts.T.to_parquet(folder / "turned.parquet")
    first = pd.DataFrame({"Geneid": counts.index, "Chr": "1", "Start": "1", "End": "9", "Strand": "+"})
    first["Length"] = 9
    table = pd.concat([first, counts.add_suffix(".bam").reset_index(drop=True)], axis=1)
    table.to_csv(folder / "counts.txt", sep="\t", index=False)
    data = AnnData(values.T.astype(np.float32), obs=pd.DataFrame(index=names.astype(object)))
    data.var_names = counts.index.astype(object)
    data.write_h5ad(folder / "counts.h5ad")
    (folder / "cached.h5ad").hardlink_to(folder / "counts.h5ad")


def read(path: Path, samples: int, cached: bool) -> None:
    """Read one file, and print CPU seconds, those of one pass over the values, and MiB."""
    import anndata

    from decidua import tables
    from decidua.count_formats import read_any_counts

    def values() -> np.ndarray:
        if not cached:
            return read_any_counts([str(path)], [f"S{i}" for i in range(samples)]).to_numpy()
        if path.suffix == ".npy":
            return np.load(path, mmap_mode="r")
        if path.suffix == ".h5ad":
            return anndata.read_h5ad(path).X.T
        return tables.read_matrix(path).to_numpy()

    before = peak()
    started = time.process_time()
    found = values()
    taken = time.process_time() - started
    after = peak()
    started = time.process_time()
    found.sum(dtype=np.int64)
    print(f"{taken:.3f} {time.process_time() - started:.3f} {after - before:.0f}")


def peak() -> float:
    """The largest resident memory of this process so far, in MiB; getrusage counts its parent's as well."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--samples", type=int, nargs="+", default=[135, 2000])
    parser.add_argument("--genes", type=int, default=20_000)
    parser.add_argument("--read", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.read:
        read(Path(asked.read[0]), int(asked.read[1]), asked.read[2] == "cached")
        return
    print(f"{'samples':>7} {'file':16} {'read as':8} {'MB':>7} {'cpu_s':>7} {'sum_s':>7} {'add_MiB':>8}")
    for samples in asked.samples:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), samples, asked.genes)
            rows = [(name, "cached") for name in CACHES] + [(name, "input") for name in INPUTS]
            for name, kind in rows:
                path = Path(folder) / name
                command = [sys.executable, __file__, "--read", str(path), str(samples), kind]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                cpu, once, memory = done.stdout.split()
                size = path.stat().st_size / 1e6
                print(
                    f"{samples:7} {name:16} {kind:8} {size:7.1f} {cpu:>7} {once:>7} {memory:>8}", flush=True
                )


if __name__ == "__main__":
    main()
