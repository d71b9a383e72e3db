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


# What the chapter on prediction shows, from its tables and the model that it wrote down.
rule plot_prediction:
    input:
        performance="<open>/cohorts/{cohort}/prediction/performance.csv",
        calibration="<open>/cohorts/{cohort}/prediction/calibration.csv",
        added_value="<open>/cohorts/{cohort}/prediction/added_value.csv",
        decision_curves="<open>/cohorts/{cohort}/prediction/decision_curves.csv",
        strata="<open>/cohorts/{cohort}/prediction/strata.csv",
        blood_panel="<open>/cohorts/{cohort}/prediction/blood_panel.csv",
        alarms="<open>/cohorts/{cohort}/prediction/alarms.csv",
        model="<open>/cohorts/{cohort}/prediction/model.json",
        schema=resource("workflow/schemas/prediction_model.schema.yaml"),
    output:
        performance=report(
            "<open>/cohorts/{cohort}/figures/prediction_performance.png",
            caption="../report/prediction_performance.rst",
            category="{cohort}",
            subcategory="8 Added value of immune tests",
            labels={"figure": "performance", "shows": "how good each model is"},
        ),
        calibration=report(
            "<open>/cohorts/{cohort}/figures/prediction_calibration.png",
            caption="../report/prediction_calibration.rst",
            category="{cohort}",
            subcategory="8 Added value of immune tests",
            labels={"figure": "calibration", "shows": "whether the risks mean what they say"},
        ),
        added_value=report(
            "<open>/cohorts/{cohort}/figures/prediction_added_value.png",
            caption="../report/prediction_added_value.rst",
            category="{cohort}",
            subcategory="8 Added value of immune tests",
            labels={"figure": "added value", "shows": "what immune tests add to the history"},
        ),
        decision_curves=report(
            "<open>/cohorts/{cohort}/figures/prediction_decision_curves.png",
            caption="../report/prediction_decision_curves.rst",
            category="{cohort}",
            subcategory="8 Added value of immune tests",
            labels={"figure": "decision curves", "shows": "over which thresholds acting would help"},
        ),
        strata=report(
            "<open>/cohorts/{cohort}/figures/prediction_strata.png",
            caption="../report/prediction_strata.rst",
            category="{cohort}",
            subcategory="8 Added value of immune tests",
            labels={"figure": "strata", "shows": "performance in strata"},
        ),
        blood_panel=report(
            "<open>/cohorts/{cohort}/figures/prediction_blood_panel.png",
            caption="../report/prediction_blood_panel.rst",
            category="{cohort}",
            subcategory="8 Added value of immune tests",
            labels={"figure": "blood panel", "shows": "markers of women with and without losses"},
        ),
        nomogram=report(
            "<open>/cohorts/{cohort}/figures/prediction_nomogram.png",
            caption="../report/prediction_nomogram.rst",
            category="{cohort}",
            subcategory="8 Added value of immune tests",
            labels={"figure": "nomogram", "shows": "how the model comes to a risk"},
        ),
        performance_svg="<open>/cohorts/{cohort}/figures/prediction_performance.svg",
        performance_pdf="<open>/cohorts/{cohort}/figures/prediction_performance.pdf",
        performance_source="<open>/cohorts/{cohort}/figures/prediction_performance.csv",
        calibration_svg="<open>/cohorts/{cohort}/figures/prediction_calibration.svg",
        calibration_pdf="<open>/cohorts/{cohort}/figures/prediction_calibration.pdf",
        calibration_source="<open>/cohorts/{cohort}/figures/prediction_calibration.csv",
        added_value_svg="<open>/cohorts/{cohort}/figures/prediction_added_value.svg",
        added_value_pdf="<open>/cohorts/{cohort}/figures/prediction_added_value.pdf",
        added_value_source="<open>/cohorts/{cohort}/figures/prediction_added_value.csv",
        decision_curves_svg="<open>/cohorts/{cohort}/figures/prediction_decision_curves.svg",
        decision_curves_pdf="<open>/cohorts/{cohort}/figures/prediction_decision_curves.pdf",
        decision_curves_source="<open>/cohorts/{cohort}/figures/prediction_decision_curves.csv",
        strata_svg="<open>/cohorts/{cohort}/figures/prediction_strata.svg",
        strata_pdf="<open>/cohorts/{cohort}/figures/prediction_strata.pdf",
        strata_source="<open>/cohorts/{cohort}/figures/prediction_strata.csv",
        blood_panel_svg="<open>/cohorts/{cohort}/figures/prediction_blood_panel.svg",
        blood_panel_pdf="<open>/cohorts/{cohort}/figures/prediction_blood_panel.pdf",
        blood_panel_source="<open>/cohorts/{cohort}/figures/prediction_blood_panel.csv",
        nomogram_svg="<open>/cohorts/{cohort}/figures/prediction_nomogram.svg",
        nomogram_pdf="<open>/cohorts/{cohort}/figures/prediction_nomogram.pdf",
        nomogram_source="<open>/cohorts/{cohort}/figures/prediction_nomogram.csv",
        record="<records>/plot_prediction/{cohort}.json",
    log:
        "<logs>/plot_prediction/{cohort}.log",
    benchmark:
        "<benchmarks>/plot_prediction/{cohort}.tsv"
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        labels=labels,
        synthetic=synthetic,
        code=fingerprint("plot_prediction"),
    script:
        "../scripts/plot_prediction.py"


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
    *outputs(rules.plot_prediction, cohort=PREDICTED),
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
