"""Write the settings in full, as the run used them, beside its results."""

from pathlib import Path

import yaml

from decidua.job import job

if __name__ == "__main__":
    with job(snakemake):
        text = yaml.safe_dump(snakemake.params.config, sort_keys=True, allow_unicode=True, width=100)
        Path(snakemake.output.config).write_text(text, encoding="utf-8")
