# How well do the counts tell cases from controls, in samples that no step of the learning has seen?


# Only when the folds are split over jobs: what one share of them gave. Not an artifact, gone once it is gathered.
rule cross_validate_part:
    input:
        counts=rules.validate_study.output.counts,
        samples=rules.validate_study.output.samples,
    output:
        predictions=temp("<restricted>/studies/{study}/parts/{part}_of_{parts}/predictions.parquet"),
        folds=temp("<restricted>/studies/{study}/parts/{part}_of_{parts}/folds.parquet"),
        coefficients=temp("<restricted>/studies/{study}/parts/{part}_of_{parts}/coefficients.parquet"),
    log:
        "<logs>/cross_validate/{study}_{part}_of_{parts}.log",
    benchmark:
        "<benchmarks>/cross_validate_part/{study}_{part}_of_{parts}.tsv"
    wildcard_constraints:
        part="[0-9]+",
        parts="[0-9]+",
    conda:
        "../../envs/decidua.yaml"
    resources:
        mem_mb=memory(500, per_input=12),
        runtime=minutes(30),
    params:
        settings=fold_settings,
        seed=config["seed"],
        code=fingerprint("cross_validate_part"),
    script:
        "../scripts/cross_validate_part.py"


# With `classifier_jobs: 1` it evaluates all folds itself, else it gathers the parts; the results are the same.
rule cross_validate:
    input:
        counts=rules.validate_study.output.counts,
        samples=rules.validate_study.output.samples,
        parts=parts_of_folds,
    output:
        predictions="<restricted>/studies/{study}/predictions.parquet",
        folds="<open>/studies/{study}/folds.csv",
        genes="<open>/studies/{study}/genes.csv",
        record="<records>/cross_validate/{study}.json",
    log:
        "<logs>/cross_validate/{study}.log",
    benchmark:
        "<benchmarks>/cross_validate/{study}.tsv"
    group:
        "performance"
    conda:
        "../../envs/decidua.yaml"
    resources:
        mem_mb=memory(500, per_input=12),
        runtime=minutes(30),
    params:
        settings=fold_settings,
        seed=config["seed"],
        synthetic=synthetic,
        code=fingerprint("cross_validate"),
    script:
        "../scripts/cross_validate.py"


rule measure_performance:
    input:
        predictions=rules.cross_validate.output.predictions,
    output:
        performance="<open>/studies/{study}/performance.csv",
        roc="<open>/studies/{study}/roc.csv",
        precision_recall="<open>/studies/{study}/precision_recall.csv",
        calibration="<open>/studies/{study}/calibration.csv",
        record="<records>/measure_performance/{study}.json",
    log:
        "<logs>/measure_performance/{study}.log",
    benchmark:
        "<benchmarks>/measure_performance/{study}.tsv"
    group:
        "performance"
    conda:
        "../../envs/decidua.yaml"
    params:
        settings=classifier_settings("confidence"),
        synthetic=synthetic,
        code=fingerprint("measure_performance"),
    script:
        "../scripts/measure_performance.py"


rule plot_roc:
    input:
        roc=rules.measure_performance.output.roc,
        performance=rules.measure_performance.output.performance,
    output:
        png=report(
            "<open>/studies/{study}/figures/roc.png",
            caption="../report/roc.rst",
            category="{study}",
            subcategory="Classifier",
            labels={"figure": "ROC", "shows": "receiver operating characteristic"},
        ),
        svg="<open>/studies/{study}/figures/roc.svg",
        pdf="<open>/studies/{study}/figures/roc.pdf",
        source="<open>/studies/{study}/figures/roc.csv",
        record="<records>/plot_roc/{study}.json",
    log:
        "<logs>/plot_roc/{study}.log",
    benchmark:
        "<benchmarks>/plot_roc/{study}.tsv"
    group:
        "performance"
    conda:
        "../../envs/decidua.yaml"
    params:
        labels=study_labels,
        synthetic=synthetic,
        code=fingerprint("plot_roc"),
    script:
        "../scripts/plot_roc.py"


rule plot_performance:
    input:
        table=rules.measure_performance.output.performance,
    output:
        png=report(
            "<open>/studies/{study}/figures/performance.png",
            caption="../report/performance.rst",
            category="{study}",
            subcategory="Classifier",
            labels={
                "figure": "performance",
                "shows": "performance beside the majority rate",
            },
        ),
        svg="<open>/studies/{study}/figures/performance.svg",
        pdf="<open>/studies/{study}/figures/performance.pdf",
        source="<open>/studies/{study}/figures/performance.csv",
        record="<records>/plot_performance/{study}.json",
    log:
        "<logs>/plot_performance/{study}.log",
    benchmark:
        "<benchmarks>/plot_performance/{study}.tsv"
    group:
        "performance"
    conda:
        "../../envs/decidua.yaml"
    params:
        labels=study_labels,
        synthetic=synthetic,
        code=fingerprint("plot_performance"),
    script:
        "../scripts/plot_performance.py"


# Three figures in one job, since starting one takes longer than drawing them.
rule plot_reliability:
    input:
        performance=rules.measure_performance.output.performance,
        precision_recall=rules.measure_performance.output.precision_recall,
        calibration=rules.measure_performance.output.calibration,
    output:
        precision_recall=report(
            "<open>/studies/{study}/figures/precision_recall.png",
            caption="../report/precision_recall.rst",
            category="{study}",
            subcategory="Classifier",
            labels={"figure": "precision-recall", "shows": "how pure the samples called first are"},
        ),
        calibration=report(
            "<open>/studies/{study}/figures/calibration.png",
            caption="../report/calibration.rst",
            category="{study}",
            subcategory="Classifier",
            labels={"figure": "calibration", "shows": "whether the probabilities mean what they say"},
        ),
        repeats=report(
            "<open>/studies/{study}/figures/repeats.png",
            caption="../report/repeats.rst",
            category="{study}",
            subcategory="Classifier",
            labels={"figure": "repeats", "shows": "how much each measure hangs on how the folds fell"},
        ),
        precision_recall_svg="<open>/studies/{study}/figures/precision_recall.svg",
        precision_recall_pdf="<open>/studies/{study}/figures/precision_recall.pdf",
        precision_recall_source="<open>/studies/{study}/figures/precision_recall.csv",
        calibration_svg="<open>/studies/{study}/figures/calibration.svg",
        calibration_pdf="<open>/studies/{study}/figures/calibration.pdf",
        calibration_source="<open>/studies/{study}/figures/calibration.csv",
        repeats_svg="<open>/studies/{study}/figures/repeats.svg",
        repeats_pdf="<open>/studies/{study}/figures/repeats.pdf",
        repeats_source="<open>/studies/{study}/figures/repeats.csv",
        record="<records>/plot_reliability/{study}.json",
    log:
        "<logs>/plot_reliability/{study}.log",
    benchmark:
        "<benchmarks>/plot_reliability/{study}.tsv"
    group:
        "performance"
    conda:
        "../../envs/decidua.yaml"
    params:
        labels=study_labels,
        synthetic=synthetic,
        code=fingerprint("plot_reliability"),
    script:
        "../scripts/plot_reliability.py"


for study in STUDIES:  # parts are no artifacts, but what they took counts
    BENCHMARKS += benchmarks_of_parts(study)

CHAPTERS["classifier"] = [
    *outputs(rules.cross_validate, study=STUDIES),
    *outputs(rules.measure_performance, study=STUDIES),
    *outputs(rules.plot_roc, study=STUDIES),
    *outputs(rules.plot_performance, study=STUDIES),
    *outputs(rules.plot_reliability, study=STUDIES),
]
