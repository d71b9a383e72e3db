"""Make a folder to start from: an empty patient table and the settings, panel and dictionary for it."""

from pathlib import Path

from decidua.config import load_yaml
from decidua.errors import InputError
from decidua.job import job
from decidua.starting import starting_files

if __name__ == "__main__":
    with job(snakemake):
        folder = Path(snakemake.params.folder)
        if folder.exists():
            raise InputError(f"{folder}: found a folder of this name; expected none, nothing is overwritten")
        files = starting_files(
            Path(snakemake.input.config).read_text(encoding="utf-8"),
            load_yaml(snakemake.input.dictionary)["variables"],
            Path(snakemake.input.panel).read_text(encoding="utf-8"),
        )
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        print(f"{folder}/: {', '.join(files)}. Fill in women.csv, then run in that folder.", flush=True)
