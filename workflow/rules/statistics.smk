# The paper's tables as tidy tables: one row a number, with interval, test, p and whom it counts.

# Each table and the analysis settings that it depends on.
TABLES = {
    "baseline": ["group", "describe", "confidence"],  # Table 1
    "prevalence": ["group", "confidence"],  # Figure 2
    "live_birth": ["group", "outcome", "outcome_is_wanted", "treatment", "margin", "confidence"],  # Figure 3
    "regression": ["group", "outcome", "covariates", "treatment", "confidence"],  # Table 2
    "trend": [
        "group",
        "outcome",
        "history",
        "history_categories",
        "karyotype",
        "trends",
        "confidence",
    ],  # Figures 4 to 7
    "karyotype": ["group", "outcome", "treatment", "karyotype", "confidence"],  # Table 3
}


rule tabulate:
    input:
        cohort=rules.validate_cohort.output.cohort,
        markers=rules.classify_markers.output.markers,
    output:
        table="<open>/cohorts/{cohort}/statistics/{table}.csv",
        record="<records>/tabulate/{cohort}_{table}.json",
    log:
        "<logs>/tabulate/{cohort}_{table}.log",
    benchmark:
        "<benchmarks>/tabulate/{cohort}_{table}.tsv"
    wildcard_constraints:
        table="|".join(TABLES),
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        settings=lambda w: analysis(*TABLES[w.table])(w),
        synthetic=synthetic,
        code=fingerprint("tabulate"),
    script:
        "../scripts/tabulate.py"


# Risks, interactions, curves and imputations: a rule of its own, as it draws random numbers.
rule tabulate_models:
    input:
        cohort=rules.validate_cohort.output.cohort,
        markers=rules.classify_markers.output.markers,
    output:
        table="<open>/cohorts/{cohort}/statistics/models.csv",
        record="<records>/tabulate_models/{cohort}.json",
    log:
        "<logs>/tabulate_models/{cohort}.log",
    benchmark:
        "<benchmarks>/tabulate_models/{cohort}.tsv"
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        settings=analysis(
            "group",
            "outcome",
            "history",
            "history_categories",
            "covariates",
            "splines",
            "steps",
            "imputations",
            "treatment",
            "confidence",
        ),
        seed=config["seed"],
        synthetic=synthetic,
        code=fingerprint("tabulate_models"),
    script:
        "../scripts/tabulate_models.py"


# Every definition with every combining rule, on the women before the chosen definition left some of them out.
rule tabulate_multiverse:
    input:
        women=rules.validate_cohort.output.before_definition,
        panel=panel_file,
    output:
        table="<open>/cohorts/{cohort}/statistics/multiverse.csv",
        record="<records>/tabulate_multiverse/{cohort}.json",
    log:
        "<logs>/tabulate_multiverse/{cohort}.log",
    benchmark:
        "<benchmarks>/tabulate_multiverse/{cohort}.tsv"
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        combine=config["markers"]["cytotoxicity_rule"],
        settings=analysis("cases", "definition", "group", "group_labels", "outcome", "confidence"),
        synthetic=synthetic,
        code=fingerprint("tabulate_multiverse"),
    script:
        "../scripts/tabulate_multiverse.py"


rule check_identifiability:
    input:
        cohort=rules.validate_cohort.output.cohort,
        markers=rules.classify_markers.output.markers,
        flow=rules.validate_cohort.output.flow,
    output:
        table="<open>/cohorts/{cohort}/statistics/identifiability.csv",
        record="<records>/check_identifiability/{cohort}.json",
    log:
        "<logs>/check_identifiability/{cohort}.log",
    benchmark:
        "<benchmarks>/check_identifiability/{cohort}.tsv"
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        settings=analysis("group", "outcome", "treatment", "confidence"),
        synthetic=synthetic,
        code=fingerprint("check_identifiability"),
    script:
        "../scripts/check_identifiability.py"


# The declared family of hypotheses, adjusted together.
rule adjust_family:
    input:
        tables=expand(rules.tabulate.output.table, table=TABLES, allow_missing=True),
    output:
        table="<open>/cohorts/{cohort}/statistics/family.csv",
        record="<records>/adjust_family/{cohort}.json",
    log:
        "<logs>/adjust_family/{cohort}.log",
    benchmark:
        "<benchmarks>/adjust_family/{cohort}.tsv"
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        settings=analysis("family"),
        synthetic=synthetic,
        code=fingerprint("adjust_family"),
    script:
        "../scripts/adjust_family.py"


CHAPTERS["statistics"] = [
    *outputs(rules.tabulate, cohort=COHORTS, table=TABLES),
    *outputs(rules.tabulate_models, cohort=COHORTS),
    *outputs(rules.tabulate_multiverse, cohort=COHORTS),
    *outputs(rules.check_identifiability, cohort=COHORTS),
    *outputs(rules.adjust_family, cohort=COHORTS),
    *outputs(rules.measure_accuracy, cohort=CONTROLLED),
]
