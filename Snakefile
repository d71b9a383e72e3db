# Decidua: the whole study on one page. Chapters in the order in which data flows.


report: "workflow/report/workflow.rst"


# Settings: the folder's own config.yaml, else the one shipped with the workflow.
configfile: "config.yaml" if os.path.exists("config.yaml") else f"{workflow.basedir}/config.yaml"


pathvars:
    results=f"results/{config.get('version')}",
    open="<results>/open",  # aggregates, figures, the report: nothing about one person
    restricted="<results>/restricted",  # a row a woman, a sample or a prediction
    records="<results>/provenance",  # one record a job
    run="<open>/run",  # times and memory of the run at hand: not the same bytes in every run
    benchmarks="<results>/benchmarks",
    logs="<results>/logs",


include: "workflow/rules/common.smk"
include: "workflow/rules/cohort.smk"
include: "workflow/rules/markers.smk"
include: "workflow/rules/statistics.smk"
include: "workflow/rules/prediction.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/expression.smk"
include: "workflow/rules/classifier.smk"
include: "workflow/rules/model.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/provenance.smk"


rule all:
    default_target: True
    input:
        CHAPTERS.values(),


rule cohort:
    input:
        CHAPTERS["cohort"],


rule markers:
    input:
        CHAPTERS["markers"],


rule statistics:
    input:
        CHAPTERS["statistics"],


rule prediction:
    input:
        CHAPTERS["prediction"],


rule figures:
    input:
        CHAPTERS["figures"],


rule expression:
    input:
        CHAPTERS["expression"],


rule classifier:
    input:
        CHAPTERS["classifier"],


# The frozen model of each study, and what those of `predictions` say of new samples.
rule predict:
    input:
        CHAPTERS["model"],


rule audit:
    input:
        CHAPTERS["audit"],


rule report:
    input:
        CHAPTERS["report"],


rule manifest:
    input:
        CHAPTERS["manifest"],
