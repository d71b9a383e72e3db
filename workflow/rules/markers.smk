# Which blood markers are abnormal, and to which immune subgroup does that bring a woman?


rule classify_markers:
    input:
        cohort=rules.validate_cohort.output.cohort,
        panel=panel_file,
    output:
        markers="<restricted>/cohorts/{cohort}/markers.parquet",
        panel="<open>/cohorts/{cohort}/marker_panel.csv",
        rules="<open>/cohorts/{cohort}/combining_rules.csv",
        record="<records>/classify_markers/{cohort}.json",
    log:
        "<logs>/classify_markers/{cohort}.log",
    benchmark:
        "<benchmarks>/classify_markers/{cohort}.tsv"
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        combine=config["markers"]["cytotoxicity_rule"],
        settings=analysis("group", "confidence"),
        synthetic=synthetic,
        code=fingerprint("classify_markers"),
    script:
        "../scripts/classify_markers.py"


CHAPTERS["markers"] = outputs(rules.classify_markers, cohort=COHORTS)
