"""Gather tables and figures into one page that opens from disk."""

from pathlib import Path

from decidua import tables
from decidua.files import write_text
from decidua.job import job
from decidua.marks import is_synthetic
from decidua.report import Figure, package_table, render
from decidua.sections import section


def of_entry(paths, folder, without=()):
    """The files below open/<folder>, by name without ending, but those in some folders of it."""
    within = [(path, str(path).partition(f"/open/{folder}/")[2]) for path in paths]
    return {Path(path).stem: path for path, rest in within if rest and rest.split("/")[0] not in without}


if __name__ == "__main__":
    with job(snakemake):
        sections = []
        for entry in snakemake.params.sections:
            folder = entry.get("folder") or f"{entry['kind']}/{entry['name']}".rstrip("/")
            # source data of figures are not read, and another chapter has a section of its own
            inputs = of_entry(snakemake.input.tables, folder, without=("figures", "prediction"))
            pictures = of_entry(snakemake.input.figures, folder.removesuffix("/prediction"))
            figures = [
                Figure(title, caption, Path(pictures[name]).read_bytes())
                for name, title, caption in entry["figures"]
            ]
            found = {name: tables.read(path) for name, path in inputs.items()}
            sections.append(section(entry, found, figures))
        page = render(
            snakemake.input.template,
            version=snakemake.config["version"],
            sections=sections,
            synthetic=[f"{s.title}: {s.synthetic}." for s in sections if is_synthetic(s.synthetic)],
            packages=package_table(),
            settings=Path(snakemake.input.config).read_text(encoding="utf-8"),
        )
        write_text(page, snakemake.output.report)
