# The figures of a cohort, drawn from the tables alone; beside each stands the CSV of what it shows.


rule plot_flow:
    input:
        table=rules.validate_cohort.output.flow,
    output:
        png=report(
            "<open>/cohorts/{cohort}/figures/flow.png",
            caption="../report/flow.rst",
            category="{cohort}",
            subcategory="1 Enrolment",
            labels={"figure": "1", "shows": "enrolment flow"},
        ),
        svg="<open>/cohorts/{cohort}/figures/flow.svg",
        pdf="<open>/cohorts/{cohort}/figures/flow.pdf",
        source="<open>/cohorts/{cohort}/figures/flow.csv",
        record="<records>/plot_flow/{cohort}.json",
    log:
        "<logs>/plot_flow/{cohort}.log",
    benchmark:
        "<benchmarks>/plot_flow/{cohort}.tsv"
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        synthetic=synthetic,
        code=fingerprint("plot_flow"),
    script:
        "../scripts/plot_flow.py"


rule plot_prevalence:
    input:
        table="<open>/cohorts/{cohort}/statistics/prevalence.csv",
    output:
        png=report(
            "<open>/cohorts/{cohort}/figures/prevalence.png",
            caption="../report/prevalence.rst",
            category="{cohort}",
            subcategory="2 Prevalence",
            labels={"figure": "2", "shows": "prevalence by etiology"},
        ),
        svg="<open>/cohorts/{cohort}/figures/prevalence.svg",
        pdf="<open>/cohorts/{cohort}/figures/prevalence.pdf",
        source="<open>/cohorts/{cohort}/figures/prevalence.csv",
        record="<records>/plot_prevalence/{cohort}.json",
    log:
        "<logs>/plot_prevalence/{cohort}.log",
    benchmark:
        "<benchmarks>/plot_prevalence/{cohort}.tsv"
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        labels=labels,
        synthetic=synthetic,
        code=fingerprint("plot_prevalence"),
    script:
        "../scripts/plot_prevalence.py"


rule plot_live_birth:
    input:
        table="<open>/cohorts/{cohort}/statistics/live_birth.csv",
    output:
        png=report(
            "<open>/cohorts/{cohort}/figures/live_birth.png",
            caption="../report/live_birth.rst",
            category="{cohort}",
            subcategory="3 Live birth",
            labels={"figure": "3", "shows": "live birth rate by immunity"},
        ),
        svg="<open>/cohorts/{cohort}/figures/live_birth.svg",
        pdf="<open>/cohorts/{cohort}/figures/live_birth.pdf",
        source="<open>/cohorts/{cohort}/figures/live_birth.csv",
        record="<records>/plot_live_birth/{cohort}.json",
    log:
        "<logs>/plot_live_birth/{cohort}.log",
    benchmark:
        "<benchmarks>/plot_live_birth/{cohort}.tsv"
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        labels=labels,
        settings=analysis("outcome"),
        synthetic=synthetic,
        code=fingerprint("plot_live_birth"),
    script:
        "../scripts/plot_live_birth.py"


# One rule for every quantity that is followed over the number of earlier losses (Figures 4 to 7 of Han et al.): by
# category as in the paper, and over the number itself with a logistic trend and its band.
rule plot_trend:
    input:
        table="<open>/cohorts/{cohort}/statistics/trend.csv",
    output:
        png=report(
            "<open>/cohorts/{cohort}/figures/trend_{trend}.png",
            caption="../report/trend.rst",
            category="{cohort}",
            subcategory="4 Number of earlier losses",
            labels={"figure": "4 to 7", "shows": "{trend} by earlier losses"},
        ),
        svg="<open>/cohorts/{cohort}/figures/trend_{trend}.svg",
        pdf="<open>/cohorts/{cohort}/figures/trend_{trend}.pdf",
        source="<open>/cohorts/{cohort}/figures/trend_{trend}.csv",
        band_png=report(
            "<open>/cohorts/{cohort}/figures/band_{trend}.png",
            caption="../report/band.rst",
            category="{cohort}",
            subcategory="4 Number of earlier losses",
            labels={"figure": "4 to 7", "shows": "{trend}, logistic trend"},
        ),
        band_svg="<open>/cohorts/{cohort}/figures/band_{trend}.svg",
        band_pdf="<open>/cohorts/{cohort}/figures/band_{trend}.pdf",
        band_source="<open>/cohorts/{cohort}/figures/band_{trend}.csv",
        record="<records>/plot_trend/{cohort}_{trend}.json",
    log:
        "<logs>/plot_trend/{cohort}_{trend}.log",
    benchmark:
        "<benchmarks>/plot_trend/{cohort}_{trend}.tsv"
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        labels=labels,
        title=trend_title,
        settings=analysis("history"),
        synthetic=synthetic,
        code=fingerprint("plot_trend"),
    script:
        "../scripts/plot_trend.py"


rule plot_marker_combinations:
    input:
        table="<open>/cohorts/{cohort}/statistics/prevalence.csv",
    output:
        png=report(
            "<open>/cohorts/{cohort}/figures/marker_combinations.png",
            caption="../report/marker_combinations.rst",
            category="{cohort}",
            subcategory="2 Prevalence",
            labels={"figure": "marker combinations", "shows": "which markers are abnormal together"},
        ),
        svg="<open>/cohorts/{cohort}/figures/marker_combinations.svg",
        pdf="<open>/cohorts/{cohort}/figures/marker_combinations.pdf",
        source="<open>/cohorts/{cohort}/figures/marker_combinations.csv",
        record="<records>/plot_marker_combinations/{cohort}.json",
    log:
        "<logs>/plot_marker_combinations/{cohort}.log",
    benchmark:
        "<benchmarks>/plot_marker_combinations/{cohort}.tsv"
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        labels=labels,
        synthetic=synthetic,
        code=fingerprint("plot_marker_combinations"),
    script:
        "../scripts/plot_marker_combinations.py"


rule plot_multiverse:
    input:
        table="<open>/cohorts/{cohort}/statistics/multiverse.csv",
    output:
        png=report(
            "<open>/cohorts/{cohort}/figures/multiverse.png",
            caption="../report/multiverse.rst",
            category="{cohort}",
            subcategory="5 Multiverse",
            labels={"figure": "multiverse", "shows": "every definition and combining rule"},
        ),
        svg="<open>/cohorts/{cohort}/figures/multiverse.svg",
        pdf="<open>/cohorts/{cohort}/figures/multiverse.pdf",
        source="<open>/cohorts/{cohort}/figures/multiverse.csv",
        record="<records>/plot_multiverse/{cohort}.json",
    log:
        "<logs>/plot_multiverse/{cohort}.log",
    benchmark:
        "<benchmarks>/plot_multiverse/{cohort}.tsv"
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        labels=labels,
        settings=analysis("outcome"),
        synthetic=synthetic,
        code=fingerprint("plot_multiverse"),
    script:
        "../scripts/plot_multiverse.py"


rule plot_regression:
    input:
        table="<open>/cohorts/{cohort}/statistics/regression.csv",
        models=rules.tabulate_models.output.table,
    output:
        png=report(
            "<open>/cohorts/{cohort}/figures/regression.png",
            caption="../report/regression.rst",
            category="{cohort}",
            subcategory="5 Regression",
            labels={"figure": "regression", "shows": "odds ratios of the covariates"},
        ),
        svg="<open>/cohorts/{cohort}/figures/regression.svg",
        pdf="<open>/cohorts/{cohort}/figures/regression.pdf",
        source="<open>/cohorts/{cohort}/figures/regression.csv",
        record="<records>/plot_regression/{cohort}.json",
    log:
        "<logs>/plot_regression/{cohort}.log",
    benchmark:
        "<benchmarks>/plot_regression/{cohort}.tsv"
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        labels=labels,
        settings=analysis("outcome"),
        synthetic=synthetic,
        code=fingerprint("plot_regression"),
    script:
        "../scripts/plot_regression.py"


rule plot_functional_form:
    input:
        table=rules.tabulate_models.output.table,
    output:
        png=report(
            "<open>/cohorts/{cohort}/figures/functional_form.png",
            caption="../report/functional_form.rst",
            category="{cohort}",
            subcategory="5 Regression",
            labels={"figure": "curves", "shows": "curves of the covariates"},
        ),
        svg="<open>/cohorts/{cohort}/figures/functional_form.svg",
        pdf="<open>/cohorts/{cohort}/figures/functional_form.pdf",
        source="<open>/cohorts/{cohort}/figures/functional_form.csv",
        record="<records>/plot_functional_form/{cohort}.json",
    log:
        "<logs>/plot_functional_form/{cohort}.log",
    benchmark:
        "<benchmarks>/plot_functional_form/{cohort}.tsv"
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        labels=labels,
        settings=analysis("outcome"),
        synthetic=synthetic,
        code=fingerprint("plot_functional_form"),
    script:
        "../scripts/plot_functional_form.py"


CHAPTERS["figures"] = [
    *outputs(rules.plot_flow, cohort=COHORTS),
    *outputs(rules.plot_prevalence, cohort=COHORTS),
    *outputs(rules.plot_live_birth, cohort=COHORTS),
    *outputs(rules.plot_marker_combinations, cohort=COHORTS),
    *outputs(rules.plot_multiverse, cohort=COHORTS),
    *outputs(rules.plot_regression, cohort=COHORTS),
    *outputs(rules.plot_functional_form, cohort=COHORTS),
    *outputs(rules.plot_markers_roc, cohort=CONTROLLED),
    *outputs(rules.plot_markers_accuracy, cohort=CONTROLLED),
    *(
        path
        for cohort in COHORTS
        for path in outputs(
            rules.plot_trend,
            cohort=cohort,
            trend=config["cohorts"][cohort]["analysis"]["trends"],
        )
    ),
]
