# The paper's tables as tidy tables: one row a number, with interval, test, p and whom it counts.

# Each table and the analysis settings that it depends on.
TABLES = {
    "baseline": ["group", "describe", "confidence"],  # Table 1
    "prevalence": ["group", "confidence"],  # Figure 2
    "live_birth": ["group", "outcome", "treatment", "confidence"],  # Figure 3
    "regression": ["group", "outcome", "covariates", "confidence"],  # Table 2
    "trend": [
        "group",
        "outcome",
        "history",
        "history_categories",
        "karyotype",
        "trends",
        "confidence",
    ],  # Figures 4 to 7
    "karyotype": ["group", "outcome", "karyotype", "confidence"],  # Table 3
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
        settings=analysis("definition", "group", "group_labels", "outcome", "confidence"),
        synthetic=synthetic,
        code=fingerprint("tabulate_multiverse"),
    script:
        "../scripts/tabulate_multiverse.py"


CHAPTERS["statistics"] = [
    *outputs(rules.tabulate, cohort=COHORTS, table=TABLES),
    *outputs(rules.tabulate_multiverse, cohort=COHORTS),
]
