"""Recompute the hash of every artifact in a results folder and compare it with the manifest.

usage: python tests/verify_manifest.py [results/v1]
"""

import csv
import hashlib
import sys
from pathlib import Path

import yaml


def problems(results: Path) -> list[str]:
    """A line for each artifact that is missing, changed, or not in the manifest."""
    with (results / "manifest.tsv").open(encoding="utf-8", newline="") as handle:
        listed = {row["path"]: row["sha256"] for row in csv.DictReader(handle, delimiter="\t")}
    found = []
    for path, digest in listed.items():
        file = results / path
        if not file.is_file():
            found.append(f"missing: {path}")
        elif hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            found.append(f"changed: {path}")
    outside = {"manifest.tsv", "provenance/write_manifest.json"}
    for file in sorted(results.rglob("*")):
        path = file.relative_to(results).as_posix()
        if file.is_file() and not path.startswith("logs/") and path not in listed and path not in outside:
            found.append(f"foreign: {path}")
    return found


if __name__ == "__main__":
    version = yaml.safe_load(Path("config.yaml").read_text(encoding="utf-8"))["version"]
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("results") / version
    lines = problems(folder)
    print("\n".join(lines) if lines else f"Every artifact of {folder} is as its manifest says.")
    sys.exit(1 if lines else 0)
