# From counts to checked counts, quality control and principal components. Of figures with a point a sample only the
# pixels are open; vector files and source data give each sample's values and are restricted.


rule simulate_study:
    input:
        signatures=resource(SIGNATURES),
    output:
        counts="<restricted>/studies/{study}/simulated_counts.parquet",
        samples="<restricted>/studies/{study}/simulated_samples.csv",
        truth_samples="<restricted>/studies/{study}/simulated_truth_samples.csv",
        truth_genes="<open>/studies/{study}/simulated_truth_genes.csv",
        record="<records>/simulate_study/{study}.json",
    log:
        "<logs>/simulate_study/{study}.log",
    benchmark:
        "<benchmarks>/simulate_study/{study}.tsv"
    wildcard_constraints:
        study="|".join(SIMULATED) or "(?!)",
    group:
        "expression"
    conda:
        "../../envs/decidua.yaml"
    params:
        design=lookup(dpath="studies/{study}/design", within=config),
        seed=config["seed"],
        synthetic=synthetic,
        code=fingerprint("simulate_study"),
    script:
        "../scripts/simulate_study.py"


rule validate_study:
    input:
        counts=study_counts,
        samples=study_file("samples"),
        transcripts=study_transcripts,
    output:
        counts="<restricted>/studies/{study}/counts.arrow",
        samples="<restricted>/studies/{study}/samples.parquet",
        record="<records>/validate_study/{study}.json",
    log:
        "<logs>/validate_study/{study}.log",
    benchmark:
        "<benchmarks>/validate_study/{study}.tsv"
    group:
        "expression"
    conda:
        "../../envs/decidua.yaml"
    params:
        columns=lookup(dpath="studies/{study}/columns", within=config, default=None),
        label=lookup(dpath="studies/{study}/label", within=config, default=None),
        keep=lookup(dpath="studies/{study}/keep", within=config, default=None),
        folds=lookup(dpath="studies/{study}/classifier/folds", within=config),
        accept_tied_batch=lookup(dpath="studies/{study}/classifier/accept_tied_batch", within=config),
        reading=study_reading,
        checksums=study_checksums,
        synthetic=synthetic,
        code=fingerprint("validate_study"),
    script:
        "../scripts/validate_study.py"


rule describe_expression:
    input:
        counts=rules.validate_study.output.counts,
        samples=rules.validate_study.output.samples,
        sex_genes=resource("workflow/resources/genes/y_linked.yaml"),
    output:
        quality="<restricted>/studies/{study}/quality.parquet",
        summary="<open>/studies/{study}/quality_summary.csv",
        components="<restricted>/studies/{study}/principal_components.parquet",
        variance="<open>/studies/{study}/explained_variance.csv",
        record="<records>/describe_expression/{study}.json",
    log:
        "<logs>/describe_expression/{study}.log",
    benchmark:
        "<benchmarks>/describe_expression/{study}.tsv"
    group:
        "expression"
    conda:
        "../../envs/decidua.yaml"
    params:
        settings=expression_settings("components", "sex_checks"),
        synthetic=synthetic,
        code=fingerprint("describe_expression"),
    script:
        "../scripts/describe_expression.py"


rule plot_quality:
    input:
        quality=rules.describe_expression.output.quality,
        samples=rules.validate_study.output.samples,
    output:
        png=report(
            "<open>/studies/{study}/figures/quality.png",
            caption="../report/quality.rst",
            category="{study}",
            subcategory="Expression",
            labels={"figure": "QC", "shows": "library size, detected genes, likeness"},
        ),
        svg="<restricted>/studies/{study}/figures/quality.svg",
        pdf="<restricted>/studies/{study}/figures/quality.pdf",
        source="<restricted>/studies/{study}/figures/quality.csv",
        record="<records>/plot_quality/{study}.json",
    log:
        "<logs>/plot_quality/{study}.log",
    benchmark:
        "<benchmarks>/plot_quality/{study}.tsv"
    group:
        "expression"
    conda:
        "../../envs/decidua.yaml"
    params:
        labels=study_labels,
        synthetic=synthetic,
        code=fingerprint("plot_quality"),
    script:
        "../scripts/plot_quality.py"


rule plot_components:
    input:
        components=rules.describe_expression.output.components,
        samples=rules.validate_study.output.samples,
        variance=rules.describe_expression.output.variance,
    output:
        png=report(
            "<open>/studies/{study}/figures/components.png",
            caption="../report/components.rst",
            category="{study}",
            subcategory="Expression",
            labels={"figure": "PCA", "shows": "first two principal components"},
        ),
        svg="<restricted>/studies/{study}/figures/components.svg",
        pdf="<restricted>/studies/{study}/figures/components.pdf",
        source="<restricted>/studies/{study}/figures/components.csv",
        record="<records>/plot_components/{study}.json",
    log:
        "<logs>/plot_components/{study}.log",
    benchmark:
        "<benchmarks>/plot_components/{study}.tsv"
    group:
        "expression"
    conda:
        "../../envs/decidua.yaml"
    params:
        labels=study_labels,
        synthetic=synthetic,
        code=fingerprint("plot_components"),
    script:
        "../scripts/plot_components.py"


# Scores describe tissue: a score of the endometrium is not the marker of the same name in blood.
rule describe_signatures:
    input:
        counts=rules.validate_study.output.counts,
        samples=rules.validate_study.output.samples,
        signatures=resource(SIGNATURES),
        gene_sets=gene_set_files,
    output:
        scores="<restricted>/studies/{study}/signature_scores.parquet",
        signatures="<open>/studies/{study}/signatures.csv",
        enrichment="<open>/studies/{study}/enrichment.csv",
        record="<records>/describe_signatures/{study}.json",
    log:
        "<logs>/describe_signatures/{study}.log",
    benchmark:
        "<benchmarks>/describe_signatures/{study}.tsv"
    group:
        "expression"
    conda:
        "../../envs/decidua.yaml"
    params:
        settings=expression_settings("coverage"),
        intervals=classifier_settings("confidence"),
        seed=config["seed"],
        synthetic=synthetic,
        code=fingerprint("describe_signatures"),
    script:
        "../scripts/describe_signatures.py"


rule plot_signatures:
    input:
        scores=rules.describe_signatures.output.scores,
        samples=rules.validate_study.output.samples,
        table=rules.describe_signatures.output.signatures,
    output:
        png=report(
            "<open>/studies/{study}/figures/signatures.png",
            caption="../report/signatures.rst",
            category="{study}",
            subcategory="Expression",
            labels={"figure": "signatures", "shows": "immune signatures by label"},
        ),
        svg="<restricted>/studies/{study}/figures/signatures.svg",
        pdf="<restricted>/studies/{study}/figures/signatures.pdf",
        source="<restricted>/studies/{study}/figures/signatures.csv",
        record="<records>/plot_signatures/{study}.json",
    log:
        "<logs>/plot_signatures/{study}.log",
    benchmark:
        "<benchmarks>/plot_signatures/{study}.tsv"
    group:
        "expression"
    conda:
        "../../envs/decidua.yaml"
    params:
        labels=study_labels,
        synthetic=synthetic,
        code=fingerprint("plot_signatures"),
    script:
        "../scripts/plot_signatures.py"


rule cluster_samples:
    input:
        counts=rules.validate_study.output.counts,
        samples=rules.validate_study.output.samples,
        scores=rules.describe_signatures.output.scores,
        truth=true_subgroups,
    output:
        members="<restricted>/studies/{study}/subgroup_members.parquet",
        subgroups="<open>/studies/{study}/subgroups.csv",
        record="<records>/cluster_samples/{study}.json",
    log:
        "<logs>/cluster_samples/{study}.log",
    benchmark:
        "<benchmarks>/cluster_samples/{study}.tsv"
    group:
        "expression"
    conda:
        "../../envs/decidua.yaml"
    params:
        settings=expression_settings(
            "components", "subgroups", "subgroups_shown", "resamplings", "null_draws"
        ),
        intervals=classifier_settings("confidence"),
        seed=config["seed"],
        synthetic=synthetic,
        code=fingerprint("cluster_samples"),
    script:
        "../scripts/cluster_samples.py"


rule plot_subgroups:
    input:
        table=rules.cluster_samples.output.subgroups,
        members=rules.cluster_samples.output.members,
        scores=rules.describe_signatures.output.scores,
        components=rules.describe_expression.output.components,
        samples=rules.validate_study.output.samples,
    output:
        stability_png=report(
            "<open>/studies/{study}/figures/stability.png",
            caption="../report/stability.rst",
            category="{study}",
            subcategory="Expression",
            labels={"figure": "stability", "shows": "how many subgroups there are"},
        ),
        stability_svg="<open>/studies/{study}/figures/stability.svg",
        stability_pdf="<open>/studies/{study}/figures/stability.pdf",
        stability_source="<open>/studies/{study}/figures/stability.csv",
        png=report(
            "<open>/studies/{study}/figures/subgroups.png",
            caption="../report/subgroups.rst",
            category="{study}",
            subcategory="Expression",
            labels={"figure": "subgroups", "shows": "what the subgroups are made of"},
        ),
        svg="<restricted>/studies/{study}/figures/subgroups.svg",
        pdf="<restricted>/studies/{study}/figures/subgroups.pdf",
        source="<restricted>/studies/{study}/figures/subgroups.csv",
        record="<records>/plot_subgroups/{study}.json",
    log:
        "<logs>/plot_subgroups/{study}.log",
    benchmark:
        "<benchmarks>/plot_subgroups/{study}.tsv"
    group:
        "expression"
    conda:
        "../../envs/decidua.yaml"
    params:
        settings=expression_settings("subgroups_shown"),
        labels=study_labels,
        synthetic=synthetic,
        code=fingerprint("plot_subgroups"),
    script:
        "../scripts/plot_subgroups.py"


# A gene's numbers are of all samples together, so they are open.
rule test_differential_expression:
    input:
        counts=rules.validate_study.output.counts,
        samples=rules.validate_study.output.samples,
    output:
        genes="<open>/studies/{study}/differential_expression.csv",
        summary="<open>/studies/{study}/de_summary.csv",
        record="<records>/test_differential_expression/{study}.json",
    log:
        "<logs>/test_differential_expression/{study}.log",
    benchmark:
        "<benchmarks>/test_differential_expression/{study}.tsv"
    group:
        "expression"
    conda:
        "../../envs/decidua.yaml"
    resources:
        mem_mb=memory(700, per_input=25),
        runtime=minutes(15),
    params:
        settings=expression_settings("differential", "adjust"),
        synthetic=synthetic,
        code=fingerprint("test_differential_expression"),
    script:
        "../scripts/test_differential_expression.py"


rule plot_differential_expression:
    input:
        genes=rules.test_differential_expression.output.genes,
        summary=rules.test_differential_expression.output.summary,
    output:
        ma_png=report(
            "<open>/studies/{study}/figures/ma.png",
            caption="../report/ma.rst",
            category="{study}",
            subcategory="Expression",
            labels={"figure": "MA plot", "shows": "fold change over mean"},
        ),
        ma_svg="<open>/studies/{study}/figures/ma.svg",
        ma_pdf="<open>/studies/{study}/figures/ma.pdf",
        ma_source="<open>/studies/{study}/figures/ma.csv",
        volcano_png=report(
            "<open>/studies/{study}/figures/volcano.png",
            caption="../report/volcano.rst",
            category="{study}",
            subcategory="Expression",
            labels={"figure": "volcano plot", "shows": "p-value over fold change"},
        ),
        volcano_svg="<open>/studies/{study}/figures/volcano.svg",
        volcano_pdf="<open>/studies/{study}/figures/volcano.pdf",
        volcano_source="<open>/studies/{study}/figures/volcano.csv",
        p_png=report(
            "<open>/studies/{study}/figures/de_p_values.png",
            caption="../report/de_p_values.rst",
            category="{study}",
            subcategory="Expression",
            labels={"figure": "p-values", "shows": "histogram of all genes"},
        ),
        p_svg="<open>/studies/{study}/figures/de_p_values.svg",
        p_pdf="<open>/studies/{study}/figures/de_p_values.pdf",
        p_source="<open>/studies/{study}/figures/de_p_values.csv",
        record="<records>/plot_differential_expression/{study}.json",
    log:
        "<logs>/plot_differential_expression/{study}.log",
    benchmark:
        "<benchmarks>/plot_differential_expression/{study}.tsv"
    group:
        "expression"
    conda:
        "../../envs/decidua.yaml"
    params:
        labels=study_labels,
        synthetic=synthetic,
        code=fingerprint("plot_differential_expression"),
    script:
        "../scripts/plot_differential_expression.py"


CHAPTERS["expression"] = [
    *outputs(rules.simulate_study, study=SIMULATED),
    *outputs(rules.validate_study, study=STUDIES),
    *outputs(rules.describe_expression, study=STUDIES),
    *outputs(rules.plot_quality, study=STUDIES),
    *outputs(rules.plot_components, study=STUDIES),
    *outputs(rules.test_differential_expression, study=COMPARED),
    *outputs(rules.plot_differential_expression, study=COMPARED),
    *outputs(rules.describe_signatures, study=STUDIES),
    *outputs(rules.plot_signatures, study=STUDIES),
    *outputs(rules.cluster_samples, study=CLUSTERED),
    *outputs(rules.plot_subgroups, study=CLUSTERED),
]
