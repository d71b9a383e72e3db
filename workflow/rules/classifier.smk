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
        settings=classifier_settings("confidence", "method"),
        synthetic=synthetic,
        code=fingerprint("measure_performance"),
    script:
        "../scripts/measure_performance.py"


# What else would have done as well, in the folds of the first repeat.
rule compare_nulls:
    input:
        counts=rules.validate_study.output.counts,
        samples=rules.validate_study.output.samples,
        predictions=rules.cross_validate.output.predictions,
        negative_controls=negative_controls,
    output:
        comparators="<open>/studies/{study}/comparators.csv",
        panels="<open>/studies/{study}/random_panels.csv",
        record="<records>/compare_nulls/{study}.json",
    log:
        "<logs>/compare_nulls/{study}.log",
    benchmark:
        "<benchmarks>/compare_nulls/{study}.tsv"
    group:
        "performance"
    conda:
        "../../envs/decidua.yaml"
    resources:
        mem_mb=memory(500, per_input=12),
        runtime=minutes(30),
    params:
        settings=fold_settings,
        options=classifier_settings("panel", "random_panels", "confidence"),
        negative_controls=listed_negative_controls,
        seed=config["seed"],
        synthetic=synthetic,
        code=fingerprint("compare_nulls"),
    script:
        "../scripts/compare_nulls.py"


rule plot_nulls:
    input:
        comparators=rules.compare_nulls.output.comparators,
        panels=rules.compare_nulls.output.panels,
        permutations=permutations,
    output:
        png=report(
            "<open>/studies/{study}/figures/nulls.png",
            caption="../report/nulls.rst",
            category="{study}",
            subcategory="Classifier",
            labels={"figure": "nulls", "shows": "nulls and comparators"},
        ),
        svg="<open>/studies/{study}/figures/nulls.svg",
        pdf="<open>/studies/{study}/figures/nulls.pdf",
        source="<open>/studies/{study}/figures/nulls.csv",
        record="<records>/plot_nulls/{study}.json",
    log:
        "<logs>/plot_nulls/{study}.log",
    benchmark:
        "<benchmarks>/plot_nulls/{study}.tsv"
    group:
        "performance"
    conda:
        "../../envs/decidua.yaml"
    params:
        labels=study_labels,
        synthetic=synthetic,
        code=fingerprint("plot_nulls"),
    script:
        "../scripts/plot_nulls.py"


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


rule measure_panels:
    input:
        counts=rules.validate_study.output.counts,
        samples=rules.validate_study.output.samples,
    output:
        panels="<open>/studies/{study}/panels.csv",
        genes="<open>/studies/{study}/panel_genes.csv",
        pairs="<open>/studies/{study}/panel_pairs.csv",
        record="<records>/measure_panels/{study}.json",
    log:
        "<logs>/measure_panels/{study}.log",
    benchmark:
        "<benchmarks>/measure_panels/{study}.tsv"
    group:
        "performance"
    conda:
        "../../envs/decidua.yaml"
    resources:
        mem_mb=memory(600, per_input=30),
        runtime=minutes(30),
    params:
        settings=fold_settings,
        panels=classifier_settings("panel", "panel_sizes", "panel_repeats", "pair_repeats", "confidence"),
        seed=config["seed"],
        synthetic=synthetic,
        code=fingerprint("measure_panels"),
    script:
        "../scripts/measure_panels.py"


rule plot_panels:
    input:
        table=rules.measure_panels.output.panels,
    output:
        png=report(
            "<open>/studies/{study}/figures/panels.png",
            caption="../report/panels.rst",
            category="{study}",
            subcategory="Classifier",
            labels={"figure": "panels", "shows": "performance against panel size"},
        ),
        svg="<open>/studies/{study}/figures/panels.svg",
        pdf="<open>/studies/{study}/figures/panels.pdf",
        source="<open>/studies/{study}/figures/panels.csv",
        record="<records>/plot_panels/{study}.json",
    log:
        "<logs>/plot_panels/{study}.log",
    benchmark:
        "<benchmarks>/plot_panels/{study}.tsv"
    group:
        "performance"
    conda:
        "../../envs/decidua.yaml"
    params:
        labels=study_labels,
        synthetic=synthetic,
        code=fingerprint("plot_panels"),
    script:
        "../scripts/plot_panels.py"


# What is published of a classifier, beside the same on simulated data. The noise is in the shape of the design.
rule frame_published:
    input:
        facts=published_facts,
        performance=rules.measure_performance.output.performance,
        panels=rules.measure_panels.output.panels,
    output:
        frame="<open>/studies/{study}/frame.csv",
        record="<records>/frame_published/{study}.json",
    log:
        "<logs>/frame_published/{study}.log",
    benchmark:
        "<benchmarks>/frame_published/{study}.tsv"
    wildcard_constraints:
        study="|".join(FRAMED) or "(?!)",
    group:
        "performance"
    conda:
        "../../envs/decidua.yaml"
    params:
        shape=noise_shape,
        settings=classifier_settings("folds", "noise_data_sets", "noise_pairs"),
        seed=config["seed"],
        synthetic=synthetic,
        code=fingerprint("frame_published"),
    script:
        "../scripts/frame_published.py"


rule plot_published:
    input:
        table=rules.frame_published.output.frame,
    output:
        png=report(
            "<open>/studies/{study}/figures/published.png",
            caption="../report/published.rst",
            category="{study}",
            subcategory="Classifier",
            labels={"figure": "published", "shows": "published figures, simulation and noise"},
        ),
        svg="<open>/studies/{study}/figures/published.svg",
        pdf="<open>/studies/{study}/figures/published.pdf",
        source="<open>/studies/{study}/figures/published.csv",
        record="<records>/plot_published/{study}.json",
    log:
        "<logs>/plot_published/{study}.log",
    benchmark:
        "<benchmarks>/plot_published/{study}.tsv"
    group:
        "performance"
    conda:
        "../../envs/decidua.yaml"
    params:
        synthetic=synthetic,
        code=fingerprint("plot_published"),
    script:
        "../scripts/plot_published.py"


# Only when the permutations are split over jobs: a share of them. Not an artifact, gone once it is gathered.
rule permute_labels_part:
    input:
        counts=rules.validate_study.output.counts,
        samples=rules.validate_study.output.samples,
    output:
        permutations=temp("<restricted>/studies/{study}/parts/{part}_of_{parts}/permutations.parquet"),
    log:
        "<logs>/permute_labels/{study}_{part}_of_{parts}.log",
    benchmark:
        "<benchmarks>/permute_labels_part/{study}_{part}_of_{parts}.tsv"
    wildcard_constraints:
        part="[0-9]+",
        parts="[0-9]+",
    conda:
        "../../envs/decidua.yaml"
    resources:
        mem_mb=memory(500, per_input=12),
        runtime=minutes(60),
    params:
        settings=fold_settings,
        permutation=permutation_settings,
        seed=config["seed"],
        code=fingerprint("permute_labels_part"),
    script:
        "../scripts/permute_labels_part.py"


# With `classifier_jobs: 1` it makes all permutations itself, else it gathers the parts; the results are the same.
rule permute_labels:
    input:
        counts=rules.validate_study.output.counts,
        samples=rules.validate_study.output.samples,
        parts=parts_of_permutations,
    output:
        permutations="<open>/studies/{study}/permutations.csv",
        test="<open>/studies/{study}/permutation_test.csv",
        record="<records>/permute_labels/{study}.json",
    log:
        "<logs>/permute_labels/{study}.log",
    benchmark:
        "<benchmarks>/permute_labels/{study}.tsv"
    group:
        "performance"
    conda:
        "../../envs/decidua.yaml"
    resources:
        mem_mb=memory(500, per_input=12),
        runtime=minutes(60),
    params:
        settings=fold_settings,
        permutation=permutation_settings,
        seed=config["seed"],
        synthetic=synthetic,
        code=fingerprint("permute_labels"),
    script:
        "../scripts/permute_labels.py"


# Challengers in the folds of the first repeat. The method in use is not chosen by what comes out.
rule compare_methods:
    input:
        counts=rules.validate_study.output.counts,
        samples=rules.validate_study.output.samples,
        predictions=rules.cross_validate.output.predictions,
    output:
        methods="<open>/studies/{study}/methods.csv",
        record="<records>/compare_methods/{study}.json",
    log:
        "<logs>/compare_methods/{study}.log",
    benchmark:
        "<benchmarks>/compare_methods/{study}.tsv"
    group:
        "performance"
    conda:
        "../../envs/decidua.yaml"
    resources:
        mem_mb=memory(500, per_input=12),
        runtime=minutes(30),
    params:
        settings=fold_settings,
        table=classifier_settings("challengers", "confidence"),
        seed=config["seed"],
        synthetic=synthetic,
        code=fingerprint("compare_methods"),
    script:
        "../scripts/compare_methods.py"


rule plot_methods:
    input:
        table=rules.compare_methods.output.methods,
    output:
        png=report(
            "<open>/studies/{study}/figures/methods.png",
            caption="../report/methods.rst",
            category="{study}",
            subcategory="Classifier",
            labels={"figure": "methods", "shows": "AUC of every method"},
        ),
        svg="<open>/studies/{study}/figures/methods.svg",
        pdf="<open>/studies/{study}/figures/methods.pdf",
        source="<open>/studies/{study}/figures/methods.csv",
        record="<records>/plot_methods/{study}.json",
    log:
        "<logs>/plot_methods/{study}.log",
    benchmark:
        "<benchmarks>/plot_methods/{study}.tsv"
    group:
        "performance"
    conda:
        "../../envs/decidua.yaml"
    params:
        labels=study_labels,
        synthetic=synthetic,
        code=fingerprint("plot_methods"),
    script:
        "../scripts/plot_methods.py"


for study in STUDIES:  # parts are no artifacts, but what they took counts
    BENCHMARKS += benchmarks_of_parts(study)

CHAPTERS["classifier"] = [
    *outputs(rules.cross_validate, study=STUDIES),
    *outputs(rules.measure_performance, study=STUDIES),
    *outputs(rules.permute_labels, study=STUDIES),
    *outputs(rules.compare_nulls, study=STUDIES),
    *outputs(rules.plot_nulls, study=STUDIES),
    *outputs(rules.plot_roc, study=STUDIES),
    *outputs(rules.plot_performance, study=STUDIES),
    *outputs(rules.compare_methods, study=STUDIES),
    *outputs(rules.plot_methods, study=STUDIES),
    *outputs(rules.measure_panels, study=STUDIES),
    *outputs(rules.plot_panels, study=STUDIES),
    *outputs(rules.frame_published, study=FRAMED),
    *outputs(rules.plot_published, study=FRAMED),
    *outputs(rules.plot_reliability, study=STUDIES),
]
