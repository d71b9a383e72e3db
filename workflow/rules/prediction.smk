# Would immune tests change what she is told of her next pregnancy? Models, their validation, what the tests add.


rule predict_outcome:
    input:
        cohort=rules.validate_cohort.output.cohort,
        markers=rules.classify_markers.output.markers,
        panel=panel_file,
        dictionary=resource("workflow/resources/cohort_dictionary.yaml"),
        published=published_models,
        published_schema=resource("workflow/schemas/prediction_published.schema.yaml"),
    output:
        question="<open>/cohorts/{cohort}/prediction/question.csv",
        sample_size="<open>/cohorts/{cohort}/prediction/sample_size.csv",
        performance="<open>/cohorts/{cohort}/prediction/performance.csv",
        published="<open>/cohorts/{cohort}/prediction/published.csv",
        calibration="<open>/cohorts/{cohort}/prediction/calibration.csv",
        added_value="<open>/cohorts/{cohort}/prediction/added_value.csv",
        decision_curves="<open>/cohorts/{cohort}/prediction/decision_curves.csv",
        coefficients="<open>/cohorts/{cohort}/prediction/coefficients.csv",
        strata="<open>/cohorts/{cohort}/prediction/strata.csv",
        markers="<open>/cohorts/{cohort}/prediction/markers.csv",
        blood_panel="<open>/cohorts/{cohort}/prediction/blood_panel.csv",
        alarms="<open>/cohorts/{cohort}/prediction/alarms.csv",
        conclusion="<open>/cohorts/{cohort}/prediction/conclusion.csv",
        model="<open>/cohorts/{cohort}/prediction/model.json",
        predictions="<restricted>/cohorts/{cohort}/prediction/predictions.csv",
        record="<records>/predict_outcome/{cohort}.json",
    log:
        "<logs>/predict_outcome/{cohort}.log",
    benchmark:
        "<benchmarks>/predict_outcome/{cohort}.tsv"
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        settings=prediction_settings,
        labels=labels,
        seed=config["seed"],
        synthetic=synthetic,
        code=fingerprint("predict_outcome"),
    script:
        "../scripts/predict_outcome.py"


CHAPTERS["prediction"] = [
    *outputs(rules.predict_outcome, cohort=PREDICTED),
]
