"""Gather tables and figures into one page that opens from disk."""

from pathlib import Path

from decidua import tables
from decidua.files import write_text
from decidua.job import job
from decidua.marks import is_synthetic
from decidua.outcome_report import prediction_chapter
from decidua.report import (
    Figure,
    audit_section,
    cohort_section,
    package_table,
    render,
)
from decidua.study_report import prediction_section, study_section, transport_section


def of_entry(paths, folder):
    """The files below open/<folder>, by name without ending."""
    return {Path(path).stem: path for path in paths if f"/open/{folder}/" in str(path)}


def tables_of(paths, folder, without):
    """As `of_entry`, without the source data of figures and other folders within."""
    kept = [path for path in paths if not any(f"/{name}/" in str(path) for name in without)]
    return of_entry(kept, folder)


if __name__ == "__main__":
    with job(snakemake):
        data, pictures = snakemake.input.tables, snakemake.input.figures
        sections = []
        for entry in snakemake.params.sections:
            folder = entry.get("folder") or f"{entry['kind']}/{entry['name']}".rstrip("/")
            chapter = f"{folder}/prediction" if entry["kind"] == "prediction" else folder
            inside = ["figures"] if chapter != folder else ["figures", "prediction"]
            found = {name: tables.read(path) for name, path in tables_of(data, chapter, inside).items()}
            files = of_entry(pictures, folder)
            figures = [
                Figure(title, caption, Path(files[name]).read_bytes())
                for name, title, caption in entry["figures"]
            ]
            common = (entry["name"], entry["title"], entry["synthetic"])
            if entry["kind"] == "cohorts":
                section = cohort_section(
                    *common, found, figures, entry["labels"], entry["outcome"], entry["rule"]
                )
            elif entry["kind"] == "prediction":
                section = prediction_chapter(*common, found, figures, entry["labels"])
            elif entry["kind"] == "studies":
                section = study_section(*common, found, figures)
            elif entry["kind"] == "predictions":
                section = prediction_section(*common, found, figures)
            elif entry["kind"] == "transport":
                section = transport_section(*common, found["transport"], figures)
            else:
                # A paper may have the name of the cohort that stands for it; links need names of their own.
                common = (f"audit-{entry['name']}", *common[1:])
                section = audit_section(*common, found["audit"], found["conflicts"], figures)
            sections.append(section)
        page = render(
            snakemake.input.template,
            version=snakemake.config["version"],
            sections=sections,
            synthetic=[f"{s.title}: {s.synthetic}." for s in sections if is_synthetic(s.synthetic)],
            packages=package_table(),
            settings=Path(snakemake.input.config).read_text(encoding="utf-8"),
        )
        write_text(page, snakemake.output.report)
