"""Write the settings as the run used them beside its results: in full, and as they may be published."""

import yaml

from decidua.config import public
from decidua.files import write_text
from decidua.job import job

if __name__ == "__main__":
    with job(snakemake):
        settings, output = snakemake.params.config, snakemake.output
        for shown, path in ((settings, output.config), (public(settings), output.public)):
            text = yaml.safe_dump(shown, sort_keys=True, allow_unicode=True, width=100)
            write_text(text, path)
