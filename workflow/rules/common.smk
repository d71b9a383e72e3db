# What every chapter uses: the checked settings, names for wildcards, fingerprints, marks and labels.
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

BASE = Path(workflow.basedir)
sys.path.insert(0, str(BASE / "workflow/scripts"))

from decidua.arithmetic import held_kernels
from decidua import marks
from decidua.config import (
    check,
    expand_environment,
    gene_list_path,
    load_yaml,
    locate,
    panel_path,
    published_path,
    recorded,
    units_of,
    when_known,
)
from decidua.downloads import be_careful, is_url
from decidua.errors import InputError
from decidua.labels import cohort_labels
from decidua.preflight import (
    cautions_of_model,
    check_inputs,
    counts_of,
    marks_of_model,
    nearly_tied_batches,
    reading_settings,
    sheet_settings,
    table_settings,
)
from decidua.progress import Progress, known_seconds, listen
from decidua.provenance import fingerprint as fingerprint_of
from snakemake.logging import logger
from snakemake.settings.enums import Quietness

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
    if not {Quietness.PROGRESS, Quietness.ALL} & set(workflow.output_settings.quiet or ()):
        listen(logger, Progress(sys.stderr, known_seconds(Path("results").glob("*/benchmarks/*/*.tsv"))))

COHORTS = list(config["cohorts"])
RECONSTRUCTED = [name for name in COHORTS if config["cohorts"][name]["source"] == "reconstruction"]
CONTROLLED = [name for name in COHORTS if config["cohorts"][name]["analysis"]["cases"] is not None]
PREDICTED = [name for name in COHORTS if config["cohorts"][name]["prediction"] is not None]
STUDIES = list(config["studies"])
if any(is_url(study.get(key)) for study in config["studies"].values() for key in ("counts", "samples")):
    import snakemake_storage_plugin_http  # only where there is something to download

    be_careful(snakemake_storage_plugin_http)
COMPARED = [
    name for name in STUDIES if config["studies"][name]["expression"]["differential"] != "none"
]  # studies with differential expression
SIMULATED = [name for name in STUDIES if config["studies"][name]["source"] == "simulation"]
# A forest has no coefficients to write down.
FREEZABLE = [name for name in STUDIES if config["studies"][name]["classifier"]["method"] != "random_forest"]
PREDICTIONS = list(config["predictions"])
OF_WOMEN = [name for name in PREDICTIONS if "file" in config["predictions"][name]]
OF_SAMPLES = [name for name in PREDICTIONS if name not in OF_WOMEN]
FRAMED = [name for name in SIMULATED if config["studies"][name].get("published")]
# Accepted is a tied batch only where it is one: the check of the sample sheet sees to it.
TIED = [name for name in STUDIES if config["studies"][name]["classifier"]["accept_tied_batch"]]
NEARLY_TIED = nearly_tied_batches(config["studies"], ROOTS)
if workflow.is_main_process:
    for name, value in NEARLY_TIED.items():
        logger.warning(f"Study {name}: {marks.nearly_tied(value)}. Every table and figure of it will say so.")
CLUSTERED = [name for name in STUDIES if config["studies"][name]["expression"]["subgroups"] is not None]
PAPERS = list(config["papers"])
CHAPTERS = {}  # chapter: its artifacts; each chapter's file fills in its own
RECORDS = []  # the provenance record of every job
BENCHMARKS = []  # seconds and memory of every job

DIFFERENTIAL_FIGURES = (
    ("ma", "Differential expression", "Fold change of each gene over its mean; all samples."),
    ("volcano", "Differential expression, volcano plot", "p-value over fold change; all samples."),
    ("de_p_values", "p-values of all genes", "Flat where nothing differs."),
)
PREDICTION_FIGURES = (
    (
        "added_value",
        "Added value",
        "What immune tests add to the history; right of the dashed line they help.",
    ),
    ("performance", "Performance", "As it looks, and as it is expected in other women."),
    ("calibration", "Calibration", "Whether the risks mean what they say; below, how they are distributed."),
    (
        "decision_curves",
        "Decision curves",
        "Whether acting on a model's risk would do better than on all or none.",
    ),
    ("nomogram", "Nomogram", "How the final model comes to a risk; not for telling a woman hers."),
    ("strata", "Strata", "Discrimination in parts of the cohort; small ones are hidden."),
    ("blood_panel", "Blood panel", "Women with and without losses; a difference is no diagnosis."),
)
SIGNATURES = "workflow/resources/genes/signatures.yaml"  # immune signatures, which the simulation uses too


wildcard_constraints:
    cohort="[A-Za-z][A-Za-z0-9_]*",
    study="[A-Za-z][A-Za-z0-9_]*",
    paper="[A-Za-z][A-Za-z0-9_]*",
    prediction="[A-Za-z][A-Za-z0-9_]*",


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
    """The marks of an artifact, mostly none: reconstructed or simulated data, a batch tied to class."""
    cohort, study = getattr(wildcards, "cohort", None), getattr(wildcards, "study", None)
    return marks.joined(
        (
            marks.RECONSTRUCTION if cohort in RECONSTRUCTED else "",
            marks.SIMULATION if study in SIMULATED else "",
            marks.TIED_BATCH if study in TIED else "",
            marks.nearly_tied(NEARLY_TIED[study]) if study in NEARLY_TIED else "",
        )
    )


def analysis(*keys):
    """A params function: those analysis settings of the cohort, and no others, so that only they redo the job."""

    def chosen(wildcards):
        settings = config["cohorts"][wildcards.cohort]["analysis"]
        return {key: settings[key] for key in keys}

    return chosen


def prediction_settings(wildcards):
    """A params function: what is asked of the cohort, how it is analysed, and when its columns are known."""
    cohort = config["cohorts"][wildcards.cohort]
    dictionary = load_yaml(resource("workflow/resources/cohort_dictionary.yaml"))["variables"]
    return {
        "prediction": cohort["prediction"],
        "analysis": {key: cohort["analysis"][key] for key in ("treatment", "group", "cases", "confidence")},
        "when": when_known(cohort, dictionary),
        "units": units_of(cohort, dictionary),
        "title": cohort["title"],
    }


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
fold_settings = classifier_settings(
    "folds",
    "inner_folds",
    "repeats",
    "penalties",
    "threshold",
    "method",
    "size_factors",
    "transform",
    "adjust_batch",
    "calibrate",
)

permutation_settings = classifier_settings("permutations", "permutation_engine")


def negative_controls(wildcards):
    """The file of a study's negative-control genes; nothing where they are listed in the settings, or null."""
    genes = config["studies"][wildcards.study]["classifier"]["negative_controls"]
    return resource(gene_list_path(genes)) if isinstance(genes, str) else []


def listed_negative_controls(wildcards):
    """A params function: the negative-control genes that the settings list themselves."""
    genes = config["studies"][wildcards.study]["classifier"]["negative_controls"]
    return [[str(gene)] for gene in genes] if isinstance(genes, list) else []


def permutations(wildcards):
    """The AUCs under permuted labels; nothing where no rule gives them."""
    return rules.permute_labels.output.permutations if workflow.is_rule("permute_labels") else []


def shares_of_folds(study):
    """The wildcards of the shares into which a study's folds are split; no share when one job does them all."""
    settings = fold_settings(SimpleNamespace(study=study))
    parts = min(config["execution"]["classifier_jobs"], settings["folds"] * settings["repeats"])
    numbers = range(1, parts + 1) if parts > 1 else ()
    return {"study": study, "part": numbers, "parts": parts}


def shares_of_permutations(study):
    """As `shares_of_folds`, of the permutations; a hundred are the least that a job is worth."""
    number = permutation_settings(SimpleNamespace(study=study))["permutations"]
    parts = min(config["execution"]["classifier_jobs"], number // 100)
    numbers = range(1, parts + 1) if parts > 1 else ()
    return {"study": study, "part": numbers, "parts": parts}


def parts_of_permutations(wildcards):
    """What the jobs of those shares give."""
    return expand(rules.permute_labels_part.output, **shares_of_permutations(wildcards.study))


def parts_of_folds(wildcards):
    """What the jobs of those shares give."""
    return expand(rules.cross_validate_part.output, **shares_of_folds(wildcards.study))


def benchmarks_of_parts(study):
    """What those jobs, of folds and of permutations, took."""
    return [
        *expand(rules.cross_validate_part.benchmark, **shares_of_folds(study)),
        *expand(rules.permute_labels_part.benchmark, **shares_of_permutations(study)),
    ]


def published_facts(wildcards):
    """The published figures beside which a simulated study stands."""
    return resource(config["studies"][wildcards.study]["published"])


def noise_shape(wildcards):
    """The numbers of cases, controls and genes of a simulated study."""
    design = config["studies"][wildcards.study]["design"]
    return {key: design[key] for key in ("cases", "controls", "genes")}


def panel_file(wildcards):
    """The marker panel of a cohort."""
    return resource(panel_path(config["cohorts"][wildcards.cohort]["panel"]))


def published_models(wildcards):
    """The files of published models that are held against a cohort."""
    named = config["cohorts"][wildcards.cohort]["prediction"]["published"] or ()
    return [resource(published_path(name)) for name in named]


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
    """The user's file of a study, to be downloaded if it is a URL, or the simulated one."""

    def chosen(wildcards):
        study = config["studies"][wildcards.study]
        if study["source"] == "simulation":
            return getattr(rules.simulate_study.output, key)
        if is_url(study[key]):
            return storage.http(expand_environment(study[key]["url"]))
        return resource(study[key])

    return chosen


def frozen_model(wildcards):
    """The model that a prediction names: of a cohort or a study, or a file."""
    model = config["predictions"][wildcards.prediction]["model"]
    if wildcards.prediction in OF_WOMEN and model in COHORTS:
        return expand(rules.predict_outcome.output.model, cohort=model)[0]
    if wildcards.prediction in OF_SAMPLES and model in STUDIES:
        return expand(rules.freeze_model.output.model, study=model)[0]
    return resource(model)


def prediction_file(key):
    """A file of a prediction, of its counts the files; nothing where it names none."""

    def chosen(wildcards):
        entry = config["predictions"][wildcards.prediction]
        if key == "counts":
            return counts_of(entry, ROOTS)
        return resource(entry[key]) if key in entry else []

    return chosen


def reading_of_prediction(wildcards):
    """How the sample sheet and the counts of a prediction are read."""
    entry = config["predictions"][wildcards.prediction]
    return sheet_settings(entry) | {"reading": reading_settings(entry)}


def reading_of_women(wildcards):
    """How the table of women of a prediction is read."""
    return table_settings(config["predictions"][wildcards.prediction])


def labels_of_prediction(wildcards):
    """What cases, controls and rows of a prediction are called on its figure."""
    if wildcards.prediction in OF_WOMEN:
        return {"case": "With the event", "control": "Without it", "samples": "women"}
    return {}


def synthetic_prediction(wildcards):
    """The marks of the cohort or study whose model it is; of a model from a file those that it carries.

    Of a classifier of samples these are the cautions: the samples that it scores are others than simulated ones.
    """
    model = config["predictions"][wildcards.prediction]["model"]
    if wildcards.prediction in OF_WOMEN:
        of_cohort = model in COHORTS
        return synthetic(SimpleNamespace(cohort=model)) if of_cohort else marks_of_model(resource(model))
    return synthetic(SimpleNamespace(study=model)) if model in STUDIES else cautions_of_model(resource(model))


def marks_of_transport():
    """The marks of all studies between which models are carried; cautions say of which study they are."""
    return marks.joined(marks.named(synthetic(SimpleNamespace(study=name)), name) for name in FREEZABLE)


def identifiers_of_studies():
    """Each study's table of gene identifiers, None where it has none."""
    found = {name: config["studies"][name].get("identifiers") for name in FREEZABLE}
    return {name: path and resource(path) for name, path in found.items()}


def study_counts(wildcards):
    """The file of a study's counts, or the files of the tool that counted, one a sample."""
    study = config["studies"][wildcards.study]
    own = study["source"] == "counts" and not is_url(study["counts"])
    return counts_of(study, ROOTS) if own else study_file("counts")(wildcards)


def study_transcripts(wildcards):
    """The table of transcripts and genes of a study's counts; nothing without one."""
    path = config["studies"][wildcards.study].get("transcripts")
    return resource(path) if path else []


def study_reading(wildcards):
    """A params function: how a study's counts are read."""
    return reading_settings(config["studies"][wildcards.study])


def study_checksums(wildcards):
    """The SHA-256 of the files of a study that are downloaded."""
    study = config["studies"][wildcards.study]
    return {key: study[key]["sha256"] for key in ("counts", "samples") if is_url(study.get(key))}


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
    return marks.RECONSTRUCTION if cohort in RECONSTRUCTED else ""


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
    return marks.joined([marks.RECONSTRUCTION] * bool(RECONSTRUCTED) + [marks.SIMULATION] * bool(SIMULATED))


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
        if name in PREDICTED:
            sections.append(
                {
                    "kind": "prediction",
                    "name": f"{name}_prediction",
                    "folder": f"cohorts/{name}/prediction",
                    "title": f"Would immune tests change what we tell her? {cohort['title']}",
                    "synthetic": synthetic(wildcards),
                    "figures": [
                        (f"prediction_{figure}", *said)
                        for figure, *said in PREDICTION_FIGURES
                        if figure != "blood_panel" or name in CONTROLLED
                    ],
                    "labels": words,
                }
            )
    for name, study in config["studies"].items():
        figures = [
            ("quality", "Samples", "Library size, detected genes, likeness to the others; rings: flagged."),
            ("components", "Principal components", "A description; labels played no part."),
            *DIFFERENTIAL_FIGURES[: 3 * (name in COMPARED)],
            ("signatures", "Immune signatures", "Scores of the tissue, which are not blood markers."),
            ("roc", "ROC curve", "On samples that no step of the learning had seen."),
            ("performance", "Performance", "Beside the rate of always answering with the larger class."),
            ("repeats", "Repeats", "The same samples, other folds."),
            ("precision_recall", "Precision and recall", "Of each class, beside its share."),
            ("calibration", "Calibration", "Whether the probabilities mean what they say."),
            ("methods", "Methods", "In the same folds; the method in use was not chosen by this."),
            (
                "panels",
                "Panels of few genes",
                "Chosen anew in every training set, and, as a lesson, on all samples.",
            ),
            (
                "nulls",
                "Nulls and comparators",
                "What chance, other genes and covariates reach in the same folds.",
            ),
        ]
        if name in CLUSTERED:
            after = [figure for figure, _, _ in figures].index("signatures") + 1
            figures[after:after] = [
                (
                    "stability",
                    "How many subgroups",
                    "Stability of each number, beside data without subgroups.",
                ),
                ("subgroups", "Subgroups", "Found without labels, which only name them."),
            ]
        if name in FRAMED:
            caption = "All but the published figures are of simulated data."
            figures.append(("published", "Published figures, simulation and noise", caption))
        mark = synthetic(SimpleNamespace(study=name))
        sections.append(
            {"kind": "studies", "name": name, "title": study["title"], "synthetic": mark, "figures": figures}
        )
    for name, entry in config["predictions"].items():
        mark = synthetic_prediction(SimpleNamespace(prediction=name))
        figures = [("validation", "Validation in new samples", "Labels had no part in the model's scores.")]
        sections.append(
            {
                "kind": "predictions",
                "name": name,
                "title": entry["title"],
                "synthetic": mark,
                "figures": figures,
            }
        )
    if len(FREEZABLE) > 1:
        figures = [("transport", "Transport", "Each study's model in every study.")]
        title, mark = "Transport between studies", marks_of_transport()
        sections.append(
            {"kind": "transport", "name": "", "title": title, "synthetic": mark, "figures": figures}
        )
    for name in PAPERS:
        mark = synthetic_paper(SimpleNamespace(paper=name))
        title = f"Audit of the printed numbers: {name}"
        figures = [("audit", "Audit", "Verdicts of the printed numbers, by place of the paper.")]
        sections.append(
            {"kind": "papers", "name": name, "title": title, "synthetic": mark, "figures": figures}
        )
    return sections
