"""Read every patient table as the run would: say what was understood or, of each file, everything wrong."""

from decidua.cohort import read_cohort
from decidua.config import load_yaml
from decidua.errors import InputError
from decidua.job import job
from decidua.understood import understood

if __name__ == "__main__":
    with job(snakemake):
        dictionary = load_yaml(snakemake.input.dictionary)["variables"]
        problems = []
        for name, settings in snakemake.params.tables.items():
            try:
                wanted, imported = read_cohort(dictionary=dictionary, limit=None, **settings)
            except InputError as error:
                number = len(error.problems)
                problems += [f"cohort {name}: {number} problem{'s' * (number > 1)}", *error.problems]
            else:
                print(*understood(imported, wanted, settings["path"], name), sep="\n", flush=True)
        if not snakemake.params.tables:
            print("No cohort has source: table, so there is no file to check.", flush=True)
        if problems:
            raise InputError(problems)
