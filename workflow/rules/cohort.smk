# Who is in the cohort: a paper's facts or a patient table in; one validated table, flow and missing values out.


rule reconstruct_cohort:
    input:
        facts=lambda w: resource(config["papers"][config["cohorts"][w.cohort]["paper"]]["facts"]),
        panel=panel_file,
        dictionary=resource("workflow/resources/cohort_dictionary.yaml"),
    output:
        women="<restricted>/cohorts/{cohort}/reconstructed.parquet",
        constraints="<open>/cohorts/{cohort}/reconstruction_constraints.csv",
        record="<records>/reconstruct_cohort/{cohort}.json",
    log:
        "<logs>/reconstruct_cohort/{cohort}.log",
    benchmark:
        "<benchmarks>/reconstruct_cohort/{cohort}.tsv"
    wildcard_constraints:
        cohort="|".join(RECONSTRUCTED) or "(?!)",
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        scenario=lookup(dpath="cohorts/{cohort}/scenario", within=config),
        seed=config["seed"],
        synthetic=synthetic,
        code=fingerprint("reconstruct_cohort"),
    script:
        "../scripts/reconstruct_cohort.py"


rule validate_cohort:
    input:
        rows=patient_table,
        redcap=redcap_dictionary,
        dictionary=resource("workflow/resources/cohort_dictionary.yaml"),
        published=published_enrolment,
    output:
        cohort="<restricted>/cohorts/{cohort}/cohort.parquet",
        before_definition="<restricted>/cohorts/{cohort}/before_definition.parquet",
        dictionary="<open>/cohorts/{cohort}/dictionary.csv",
        flow="<open>/cohorts/{cohort}/enrolment_flow.csv",
        missing="<open>/cohorts/{cohort}/missing_values.csv",
        record="<records>/validate_cohort/{cohort}.json",
    log:
        "<logs>/validate_cohort/{cohort}.log",
    benchmark:
        "<benchmarks>/validate_cohort/{cohort}.tsv"
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        table=reading,
        settings=analysis("cases", "definition", "group", "group_labels", "outcome", "karyotype"),
        synthetic=synthetic,
        code=fingerprint("validate_cohort"),
    script:
        "../scripts/validate_cohort.py"


# Reads every table as the run would and says what it found. No table, nothing else is touched.
rule check_cohorts:
    input:
        dictionary=resource("workflow/resources/cohort_dictionary.yaml"),
    log:
        "results/logs/check_cohorts.log",
    localrule: True
    conda:
        "../../envs/decidua.yaml"
    params:
        tables=tables_to_check(),
    script:
        "../scripts/check_cohorts.py"


# A folder to start from: an empty patient table and what belongs to it.
rule template:
    input:
        config=f"{workflow.basedir}/config.yaml",
        dictionary=f"{workflow.basedir}/workflow/resources/cohort_dictionary.yaml",
        panel=f"{workflow.basedir}/workflow/resources/panels/lee2013.yaml",
    log:
        "results/logs/template.log",
    localrule: True
    conda:
        "../../envs/decidua.yaml"
    params:
        folder="template",
    script:
        "../scripts/template.py"


CHAPTERS["cohort"] = [
    *outputs(rules.reconstruct_cohort, cohort=RECONSTRUCTED),
    *outputs(rules.validate_cohort, cohort=COHORTS),
]
