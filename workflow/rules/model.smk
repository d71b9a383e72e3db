# A model that leaves the house: frozen as JSON, scored on new samples, carried from study to study.


rule freeze_model:
    input:
        counts=rules.validate_study.output.counts,
        samples=rules.validate_study.output.samples,
        performance=rules.measure_performance.output.performance,
    output:
        model="<open>/studies/{study}/model.json",
        card="<open>/studies/{study}/model_card.md",
        record="<records>/freeze_model/{study}.json",
    log:
        "<logs>/freeze_model/{study}.log",
    benchmark:
        "<benchmarks>/freeze_model/{study}.tsv"
    group:
        "performance"
    conda:
        "../../envs/decidua.yaml"
    resources:
        mem_mb=memory(500, per_input=12),
    params:
        title=lookup(dpath="studies/{study}/title", within=config),
        labels=study_labels,
        settings=fold_settings,
        coverage=config["coverage"],
        seed=config["seed"],
        synthetic=synthetic,
        code=fingerprint("freeze_model"),
    script:
        "../scripts/freeze_model.py"


rule score_samples:
    input:
        model=frozen_model,
        counts=prediction_file("counts"),
        samples=prediction_file("samples"),
        identifiers=prediction_file("identifiers"),
        transcripts=prediction_file("transcripts"),
    output:
        scores="<restricted>/predictions/{prediction}/scores.csv",
        coverage="<open>/predictions/{prediction}/coverage.csv",
        missing="<open>/predictions/{prediction}/missing_genes.csv",
        validation="<open>/predictions/{prediction}/validation.csv",
        roc="<open>/predictions/{prediction}/roc.csv",
        calibration="<open>/predictions/{prediction}/calibration.csv",
        record="<records>/score_samples/{prediction}.json",
    log:
        "<logs>/score_samples/{prediction}.log",
    benchmark:
        "<benchmarks>/score_samples/{prediction}.tsv"
    wildcard_constraints:
        prediction="|".join(OF_SAMPLES) or "(?!)",
    group:
        "performance"
    conda:
        "../../envs/decidua.yaml"
    resources:
        mem_mb=memory(500, per_input=12),
    params:
        reading=reading_of_prediction,
        coverage=config["coverage"],
        confidence=config["classifier"]["confidence"],
        synthetic=synthetic_prediction,
        code=fingerprint("score_samples"),
    script:
        "../scripts/score_samples.py"


rule score_women:
    input:
        model=frozen_model,
        schema=resource("workflow/schemas/prediction_model.schema.yaml"),
        dictionary=resource("workflow/resources/cohort_dictionary.yaml"),
        rows=prediction_file("file"),
        redcap=prediction_file("redcap_dictionary"),
    output:
        scores="<restricted>/predictions/{prediction}/scores.csv",
        coverage="<open>/predictions/{prediction}/coverage.csv",
        validation="<open>/predictions/{prediction}/validation.csv",
        roc="<open>/predictions/{prediction}/roc.csv",
        calibration="<open>/predictions/{prediction}/calibration.csv",
        record="<records>/score_women/{prediction}.json",
    log:
        "<logs>/score_women/{prediction}.log",
    benchmark:
        "<benchmarks>/score_women/{prediction}.tsv"
    wildcard_constraints:
        prediction="|".join(OF_WOMEN) or "(?!)",
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        table=reading_of_women,
        confidence=config["analysis"]["confidence"],
        synthetic=synthetic_prediction,
        code=fingerprint("score_women"),
    script:
        "../scripts/score_women.py"


rule plot_validation:
    input:
        roc="<open>/predictions/{prediction}/roc.csv",
        calibration="<open>/predictions/{prediction}/calibration.csv",
        validation="<open>/predictions/{prediction}/validation.csv",
        coverage="<open>/predictions/{prediction}/coverage.csv",
    output:
        png=report(
            "<open>/predictions/{prediction}/figures/validation.png",
            caption="../report/validation.rst",
            category="{prediction}",
            subcategory="Validation",
            labels={"figure": "validation", "shows": "how well the model held"},
        ),
        svg="<open>/predictions/{prediction}/figures/validation.svg",
        pdf="<open>/predictions/{prediction}/figures/validation.pdf",
        source="<open>/predictions/{prediction}/figures/validation.csv",
        record="<records>/plot_validation/{prediction}.json",
    log:
        "<logs>/plot_validation/{prediction}.log",
    benchmark:
        "<benchmarks>/plot_validation/{prediction}.tsv"
    group:
        "performance"
    conda:
        "../../envs/decidua.yaml"
    params:
        labels=labels_of_prediction,
        synthetic=synthetic_prediction,
        code=fingerprint("plot_validation"),
    script:
        "../scripts/plot_validation.py"


rule transport_models:
    input:
        models=expand(rules.freeze_model.output.model, study=FREEZABLE),
        counts=expand(rules.validate_study.output.counts, study=FREEZABLE),
        samples=expand(rules.validate_study.output.samples, study=FREEZABLE),
        performance=expand(rules.measure_performance.output.performance, study=FREEZABLE),
        identifiers=[path for path in identifiers_of_studies().values() if path],
    output:
        table="<open>/transport/transport.csv",
        record="<records>/transport_models.json",
    log:
        "<logs>/transport_models.log",
    benchmark:
        "<benchmarks>/transport_models.tsv"
    conda:
        "../../envs/decidua.yaml"
    resources:
        mem_mb=memory(500, per_input=12),
    params:
        studies=FREEZABLE,
        identifiers=identifiers_of_studies(),
        coverage=config["coverage"],
        confidence=config["classifier"]["confidence"],
        synthetic=marks_of_transport(),
        code=fingerprint("transport_models"),
    script:
        "../scripts/transport_models.py"


rule plot_transport:
    input:
        table=rules.transport_models.output.table,
    output:
        png=report(
            "<open>/transport/figures/transport.png",
            caption="../report/transport.rst",
            category="Studies",
            subcategory="Transport",
            labels={"figure": "transport", "shows": "trained on one study, tested on another"},
        ),
        svg="<open>/transport/figures/transport.svg",
        pdf="<open>/transport/figures/transport.pdf",
        source="<open>/transport/figures/transport.csv",
        record="<records>/plot_transport.json",
    log:
        "<logs>/plot_transport.log",
    benchmark:
        "<benchmarks>/plot_transport.tsv"
    conda:
        "../../envs/decidua.yaml"
    params:
        labels={name: config["studies"][name]["title"] for name in FREEZABLE},
        synthetic=marks_of_transport(),
        code=fingerprint("plot_transport"),
    script:
        "../scripts/plot_transport.py"


CHAPTERS["model"] = [
    *outputs(rules.freeze_model, study=FREEZABLE),
    *outputs(rules.score_samples, prediction=OF_SAMPLES),
    *outputs(rules.score_women, prediction=OF_WOMEN),
    *outputs(rules.plot_validation, prediction=PREDICTIONS),
]
if len(FREEZABLE) > 1:
    CHAPTERS["model"] += [*outputs(rules.transport_models), *outputs(rules.plot_transport)]
