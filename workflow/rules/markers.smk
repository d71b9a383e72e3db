# Which blood markers are abnormal, and to which immune subgroup does that bring a woman?


rule classify_markers:
    input:
        cohort=rules.validate_cohort.output.cohort,
        panel=panel_file,
        dictionary=resource("workflow/resources/cohort_dictionary.yaml"),
    output:
        markers="<restricted>/cohorts/{cohort}/markers.parquet",
        panel="<open>/cohorts/{cohort}/marker_panel.csv",
        rules="<open>/cohorts/{cohort}/combining_rules.csv",
        grey_zone="<open>/cohorts/{cohort}/grey_zone.csv",
        record="<records>/classify_markers/{cohort}.json",
    log:
        "<logs>/classify_markers/{cohort}.log",
    benchmark:
        "<benchmarks>/classify_markers/{cohort}.tsv"
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        combine=config["markers"]["cytotoxicity_rule"],
        grey_zone=config["markers"]["grey_zone"],
        settings=analysis("cases", "group", "confidence"),
        synthetic=synthetic,
        code=fingerprint("classify_markers"),
    script:
        "../scripts/classify_markers.py"


# Its numbers are random draws in part (bootstrap), so it has a seed, and is no table of rule tabulate.
rule measure_accuracy:
    input:
        cohort=rules.validate_cohort.output.cohort,
        markers=rules.classify_markers.output.markers,
        panel=panel_file,
        dictionary=resource("workflow/resources/cohort_dictionary.yaml"),
    output:
        accuracy="<open>/cohorts/{cohort}/statistics/accuracy.csv",
        curves="<open>/cohorts/{cohort}/statistics/marker_curves.csv",
        record="<records>/measure_accuracy/{cohort}.json",
    log:
        "<logs>/measure_accuracy/{cohort}.log",
    benchmark:
        "<benchmarks>/measure_accuracy/{cohort}.tsv"
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        settings=analysis("cases", "confidence"),
        prevalence=config["markers"]["prevalence"],
        bootstrap=config["markers"]["bootstrap"],
        seed=config["seed"],
        synthetic=synthetic,
        code=fingerprint("measure_accuracy"),
    script:
        "../scripts/measure_accuracy.py"


rule plot_markers_roc:
    input:
        accuracy=rules.measure_accuracy.output.accuracy,
        curves=rules.measure_accuracy.output.curves,
    output:
        png=report(
            "<open>/cohorts/{cohort}/figures/markers_roc.png",
            caption="../report/markers_roc.rst",
            category="{cohort}",
            subcategory="5 Markers",
            labels={"figure": "markers", "shows": "ROC curves"},
        ),
        svg="<open>/cohorts/{cohort}/figures/markers_roc.svg",
        pdf="<open>/cohorts/{cohort}/figures/markers_roc.pdf",
        source="<open>/cohorts/{cohort}/figures/markers_roc.csv",
        record="<records>/plot_markers_roc/{cohort}.json",
    log:
        "<logs>/plot_markers_roc/{cohort}.log",
    benchmark:
        "<benchmarks>/plot_markers_roc/{cohort}.tsv"
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        labels=labels,
        synthetic=synthetic,
        code=fingerprint("plot_markers_roc"),
    script:
        "../scripts/plot_markers_roc.py"


rule plot_markers_accuracy:
    input:
        accuracy=rules.measure_accuracy.output.accuracy,
    output:
        png=report(
            "<open>/cohorts/{cohort}/figures/markers_accuracy.png",
            caption="../report/markers_accuracy.rst",
            category="{cohort}",
            subcategory="5 Markers",
            labels={"figure": "markers", "shows": "AUC, sensitivity, specificity"},
        ),
        svg="<open>/cohorts/{cohort}/figures/markers_accuracy.svg",
        pdf="<open>/cohorts/{cohort}/figures/markers_accuracy.pdf",
        source="<open>/cohorts/{cohort}/figures/markers_accuracy.csv",
        record="<records>/plot_markers_accuracy/{cohort}.json",
    log:
        "<logs>/plot_markers_accuracy/{cohort}.log",
    benchmark:
        "<benchmarks>/plot_markers_accuracy/{cohort}.tsv"
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        labels=labels,
        synthetic=synthetic,
        code=fingerprint("plot_markers_accuracy"),
    script:
        "../scripts/plot_markers_accuracy.py"


# The last two of them only where there are controls.
CHAPTERS["markers"] = [
    *outputs(rules.classify_markers, cohort=COHORTS),
]
