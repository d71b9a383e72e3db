# What every chapter uses: the checked settings, names for wildcards, fingerprints, marks and labels.
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

BASE = Path(workflow.basedir)
sys.path.insert(0, str(BASE / "workflow/scripts"))

from decidua.arithmetic import held_kernels
from decidua.config import check, expand_environment, load_yaml, locate, panel_path, recorded
from decidua.errors import InputError
from decidua.labels import cohort_labels
from decidua.preflight import check_inputs, table_settings
from decidua.progress import Progress, known_seconds, listen
from decidua.provenance import fingerprint as fingerprint_of
from snakemake.logging import logger

ROOTS = (
    Path.cwd(),
    BASE,
)  # where relative paths start: the working folder, then the workflow's own


def stop_on_bad_input(function, *args):
    """Bad input in plain lines, without the traceback that Snakemake adds for errors of a Snakefile."""
    try:
        return function(*args)
    except InputError as error:
        sys.exit(f"\nThe input cannot be used:\n{error}\n")


config = stop_on_bad_input(check, config, load_yaml(BASE / "workflow/schemas/config.schema.yaml"), ROOTS)
# Asked for by name, these tell or give something and do not run the study. Snakemake knows its targets only
# after it has read this file.
TOOLS = {"check_cohorts", "template"}
if workflow.is_main_process and not TOOLS & set(sys.argv[1:]):
    stop_on_bad_input(check_inputs, config, ROOTS)

# Every job inherits these, on a cluster too, where each node reads this file again.
os.environ.update(held_kernels())
if workflow.is_main_process:
    os.environ.update(DECIDUA_STARTED=datetime.now(UTC).isoformat(timespec="seconds"))
    listen(logger, Progress(sys.stderr, known_seconds(Path("results").glob("*/benchmarks/*/*.tsv"))))

COHORTS = list(config["cohorts"])
RECONSTRUCTED = [name for name in COHORTS if config["cohorts"][name]["source"] == "reconstruction"]
CONTROLLED = [name for name in COHORTS if config["cohorts"][name]["analysis"]["cases"] is not None]
STUDIES = list(config["studies"])
SIMULATED = [name for name in STUDIES if config["studies"][name]["source"] == "simulation"]
CLUSTERED = [name for name in STUDIES if config["studies"][name]["expression"]["subgroups"] is not None]
PAPERS = list(config["papers"])
CHAPTERS = {}  # chapter: its artifacts; each chapter's file fills in its own
RECORDS = []  # the provenance record of every job
BENCHMARKS = []  # seconds and memory of every job

RECONSTRUCTION_MARK = "Reconstructed from printed numbers; not patient data"
SIMULATION_MARK = "Simulated data"
SIGNATURES = "workflow/resources/genes/signatures.yaml"  # immune signatures, which the simulation uses too


wildcard_constraints:
    cohort="[A-Za-z][A-Za-z0-9_]*",
    study="[A-Za-z][A-Za-z0-9_]*",
    paper="[A-Za-z][A-Za-z0-9_]*",


def outputs(rule, **wildcards):
    """All outputs of a rule for all values of its wildcards; records and benchmarks of its jobs are noted."""
    RECORDS.extend(expand(rule.output.record, **wildcards))
    BENCHMARKS.extend(expand(rule.benchmark, **wildcards))
    return expand(list(rule.output), **wildcards)


def resource(path):
    """A file of the working folder or, if it is not there, of the workflow's own; relative where it can be."""
    return locate(path, ROOTS)


def compared_with(against):
    """The folder that `against` means: a version's, by its name, or any other; None for none."""
    if against and (Path("results") / against).is_dir():
        return str(Path("results") / against)
    return against and resource(against)


def fingerprint(rule):
    """Of the rule's script and of every library module that it imports."""
    return fingerprint_of(BASE / "workflow/scripts" / f"{rule}.py")


def memory(least, per_input):
    """A resources function: MB that grow with the input (MB a MB on disk) and with each attempt.

    An input that is not there yet, because another job of the same group makes it, counts as nothing:
    Snakemake's `input.size_mb` would make the whole unknown, and drop it from what the group asks for.
    """

    def wanted(wildcards, input, attempt):
        size = sum(os.path.getsize(path) for path in input if os.path.exists(path)) / 1e6
        return attempt * int(least + per_input * size)

    return wanted


def minutes(least):
    """A resources function: minutes that grow with each attempt."""
    return lambda wildcards, attempt: attempt * least


def synthetic(wildcards):
    """The mark that artifacts of reconstructed or simulated data carry; empty for real data."""
    if getattr(wildcards, "cohort", None) in RECONSTRUCTED:
        return RECONSTRUCTION_MARK
    return SIMULATION_MARK if getattr(wildcards, "study", None) in SIMULATED else ""


def analysis(*keys):
    """A params function: those analysis settings of the cohort, and no others, so that only they redo the job."""

    def chosen(wildcards):
        settings = config["cohorts"][wildcards.cohort]["analysis"]
        return {key: settings[key] for key in keys}

    return chosen


def settings_of(part):
    """A maker of params functions: of that part of a study's settings the named ones, and no others."""

    def of(*keys):
        def chosen(wildcards):
            settings = config["studies"][wildcards.study][part]
            return {key: settings[key] for key in keys}

        return chosen

    return of


expression_settings = settings_of("expression")
classifier_settings = settings_of("classifier")
fold_settings = classifier_settings("folds", "inner_folds", "repeats", "penalties", "threshold")


def shares_of_folds(study):
    """The wildcards of the shares into which a study's folds are split; no share when one job does them all."""
    settings = fold_settings(SimpleNamespace(study=study))
    parts = min(config["execution"]["classifier_jobs"], settings["folds"] * settings["repeats"])
    numbers = range(1, parts + 1) if parts > 1 else ()
    return {"study": study, "part": numbers, "parts": parts}


def parts_of_folds(wildcards):
    """What the jobs of those shares give."""
    return expand(rules.cross_validate_part.output, **shares_of_folds(wildcards.study))


def benchmarks_of_parts(study):
    """What those jobs took."""
    return expand(rules.cross_validate_part.benchmark, **shares_of_folds(study))


def panel_file(wildcards):
    """The marker panel of a cohort."""
    return resource(panel_path(config["cohorts"][wildcards.cohort]["panel"]))


def labels(wildcards):
    """How variables, markers, groups and subgroups of a cohort are written on figures."""
    cohort = config["cohorts"][wildcards.cohort]
    dictionary = load_yaml(resource("workflow/resources/cohort_dictionary.yaml"))["variables"]
    return cohort_labels(cohort, dictionary, load_yaml(panel_file(wildcards)))


def trend_title(wildcards):
    """What is followed over the history: a marker's name alone does not say that it is the abnormal share."""
    label = labels(wildcards).get(wildcards.trend, wildcards.trend)
    return f"Abnormal {label}" if wildcards.trend in load_yaml(panel_file(wildcards))["markers"] else label


def patient_table(wildcards):
    """The user's table of a cohort, or the reconstructed one."""
    cohort = config["cohorts"][wildcards.cohort]
    if cohort["source"] == "table":
        return resource(cohort["file"])
    return rules.reconstruct_cohort.output.women


def redcap_dictionary(wildcards):
    """The data dictionary of the REDCap project that a cohort's table was exported from; nothing without one."""
    path = config["cohorts"][wildcards.cohort].get("redcap_dictionary")
    return resource(path) if path else []


def reading(wildcards):
    """A params function: how a cohort's table is read."""
    return table_settings(config["cohorts"][wildcards.cohort])


def tables_to_check():
    """Of each cohort with a table of its own: the file, the REDCap dictionary, and how it is read."""
    found = {}
    for name, cohort in config["cohorts"].items():
        if cohort["source"] == "table":
            wildcards = SimpleNamespace(cohort=name)
            files = {
                "path": patient_table(wildcards),
                "redcap_dictionary": redcap_dictionary(wildcards) or None,
            }
            found[name] = files | reading(wildcards)
    return found


def published_enrolment(wildcards):
    """The paper whose enrolment a reconstructed cohort takes over; nothing for a table."""
    cohort = config["cohorts"][wildcards.cohort]
    return (
        resource(config["papers"][cohort["paper"]]["facts"]) if cohort["source"] == "reconstruction" else []
    )


def study_file(key):
    """The user's file of a study, or the simulated one."""

    def chosen(wildcards):
        study = config["studies"][wildcards.study]
        return (
            expand_environment(study[key])
            if study["source"] == "counts"
            else getattr(rules.simulate_study.output, key)
        )

    return chosen


def gene_set_files(wildcards):
    """The user's gene sets of a study."""
    return [resource(path) for path in config["studies"][wildcards.study]["expression"]["gene_sets"]]


def true_subgroups(wildcards):
    """The simulated truth about the samples of a study; nothing of real ones."""
    return rules.simulate_study.output.truth_samples if wildcards.study in SIMULATED else []


def tables_of_paper(wildcards):
    """The statistics tables of the cohort that stands for a paper; nothing without one."""
    cohort = config["papers"][wildcards.paper]["cohort"]
    return expand(rules.tabulate.output.table, cohort=cohort, table=TABLES) if cohort else []


def synthetic_paper(wildcards):
    """The mark of the cohort that stands for a paper."""
    cohort = config["papers"][wildcards.paper]["cohort"]
    return RECONSTRUCTION_MARK if cohort in RECONSTRUCTED else ""


def study_labels(wildcards):
    """How the two classes of a study are written on figures."""
    label = config["studies"][wildcards.study].get("label", {})
    if "above" in label:
        column = config["studies"][wildcards.study]["columns"]["label"]
        return {
            "case": f"{column} above {label['above']:g}",
            "control": f"{column} up to {label['above']:g}",
        }
    if label:
        return {kind: ", ".join(map(str, label[kind])) for kind in ("case", "control")}
    return {"case": "RPL", "control": "Control"}


def any_synthetic():
    """The marks that a page about everything carries; empty when all data are real."""
    marks = [RECONSTRUCTION_MARK] * bool(RECONSTRUCTED) + [SIMULATION_MARK] * bool(SIMULATED)
    return "; ".join(marks)


def contents():
    """The titles of what was analysed, in a sentence."""
    titles = [entry["title"] for entry in (*config["cohorts"].values(), *config["studies"].values())]
    return f"Tables, figures and report of: {'; '.join(titles) or 'nothing'}."


def report_sections():
    """What the report shows, in order: cohorts, studies, papers, each with its figures and captions."""
    sections = []
    for name, cohort in config["cohorts"].items():
        wildcards = SimpleNamespace(cohort=name)
        words = labels(wildcards)
        figures = [
            ("flow", "Figure 1. Enrolment", "Who was assessed, left out and analysed."),
            (
                "prevalence",
                "Figure 2. Prevalence",
                "Abnormal immunity, markers and immune subgroups by group.",
            ),
            (
                "marker_combinations",
                "Figure 2, marker combinations",
                "How common each combination of abnormal markers is (filled dots), the commonest first.",
            ),
            (
                "live_birth",
                "Figure 3. Outcome",
                "By immunity and immune subgroup; not an effect of treatment.",
            ),
        ]
        for place, trend in enumerate(cohort["analysis"]["trends"], start=4):
            figures += [
                (
                    f"trend_{trend}",
                    f"Figure {place}. {words.get(trend, trend)}",
                    "By the number of earlier losses.",
                ),
                (
                    f"band_{trend}",
                    f"Figure {place}, logistic trend. {words.get(trend, trend)}",
                    "Raw rates, and a logistic trend with its confidence band.",
                ),
            ]
        figures.append(
            (
                "multiverse",
                "Multiverse",
                "Every definition of recurrent pregnancy loss with every combining rule.",
            )
        )
        figures += [
            ("regression", "Odds ratios", "Of the covariates, by every method; no effect of treatment."),
            ("functional_form", "Curves of the covariates", "Odds ratio against the median."),
        ]
        if name in CONTROLLED:
            figures += [
                ("markers_roc", "ROC curves of the markers", "Women with losses against controls."),
                ("markers_accuracy", "Accuracy of the markers", "At the panel's cut-offs."),
            ]
        sections.append(
            {
                "kind": "cohorts",
                "name": name,
                "title": cohort["title"],
                "synthetic": synthetic(wildcards),
                "figures": figures,
                "labels": words,
                "outcome": cohort["analysis"]["outcome"],
                "rule": config["markers"]["cytotoxicity_rule"],
            }
        )
    for name, study in config["studies"].items():
        figures = [
            ("quality", "Samples", "Library size and detected genes."),
            ("components", "Principal components", "A description; labels played no part."),
            ("signatures", "Immune signatures", "Scores of the tissue, which are not blood markers."),
            ("roc", "ROC curve", "On samples that no step of the learning had seen."),
            ("performance", "Performance", "Beside the rate of always answering with the larger class."),
        ]
        if name in CLUSTERED:
            figures[3:3] = [
                (
                    "stability",
                    "How many subgroups",
                    "Stability of each number, beside data without subgroups.",
                ),
                ("subgroups", "Subgroups", "Found without labels, which only name them."),
            ]
        mark = synthetic(SimpleNamespace(study=name))
        sections.append(
            {"kind": "studies", "name": name, "title": study["title"], "synthetic": mark, "figures": figures}
        )
    for name in PAPERS:
        mark = synthetic_paper(SimpleNamespace(paper=name))
        title = f"Audit of the printed numbers: {name}"
        sections.append({"kind": "papers", "name": name, "title": title, "synthetic": mark, "figures": []})
    return sections
