# From counts to checked counts, quality control and principal components. Of figures with a point a sample only the
# pixels are open; vector files and source data give each sample's values and are restricted.


rule simulate_study:
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
    output:
        quality="<restricted>/studies/{study}/quality.parquet",
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
        settings=expression_settings("components"),
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
            labels={"figure": "QC", "shows": "library size and detected genes"},
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


CHAPTERS["expression"] = [
    *outputs(rules.simulate_study, study=SIMULATED),
    *outputs(rules.validate_study, study=STUDIES),
    *outputs(rules.describe_expression, study=STUDIES),
    *outputs(rules.plot_quality, study=STUDIES),
    *outputs(rules.plot_components, study=STUDIES),
]
