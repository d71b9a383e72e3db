# How well do the counts tell cases from controls, in samples that no step of the learning has seen?


rule cross_validate:
    input:
        counts=rules.validate_study.output.counts,
        samples=rules.validate_study.output.samples,
    output:
        predictions="<restricted>/studies/{study}/predictions.parquet",
        folds="<open>/studies/{study}/folds.csv",
        genes="<open>/studies/{study}/genes.csv",
        record="<records>/cross_validate/{study}.json",
    log:
        "<logs>/cross_validate/{study}.log",
    conda:
        "../../envs/decidua.yaml"
    params:
        settings=classifier_settings("folds", "inner_folds", "repeats", "penalties", "threshold"),
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
        record="<records>/measure_performance/{study}.json",
    log:
        "<logs>/measure_performance/{study}.log",
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
    conda:
        "../../envs/decidua.yaml"
    params:
        labels=study_labels,
        synthetic=synthetic,
        code=fingerprint("plot_performance"),
    script:
        "../scripts/plot_performance.py"


CHAPTERS["classifier"] = [
    *outputs(rules.cross_validate, study=STUDIES),
    *outputs(rules.measure_performance, study=STUDIES),
    *outputs(rules.plot_roc, study=STUDIES),
    *outputs(rules.plot_performance, study=STUDIES),
]
