# Does a paper's every printed number follow from its counts, and from the run's own rows?


rule audit_paper:
    input:
        claims=lambda w: resource(config["papers"][w.paper]["claims"]),
        tables=tables_of_paper,
    output:
        audit="<open>/papers/{paper}/audit.csv",
        record="<records>/audit_paper/{paper}.json",
    log:
        "<logs>/audit_paper/{paper}.log",
    benchmark:
        "<benchmarks>/audit_paper/{paper}.tsv"
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        synthetic=synthetic_paper,
        code=fingerprint("audit_paper"),
    script:
        "../scripts/audit_paper.py"


CHAPTERS["audit"] = outputs(rules.audit_paper, paper=PAPERS)
