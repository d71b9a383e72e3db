# Does a paper's every printed number follow from its counts, and from the run's own rows?


rule audit_paper:
    input:
        claims=lambda w: resource(config["papers"][w.paper]["claims"]),
        tables=tables_of_paper,
    output:
        audit="<open>/papers/{paper}/audit.csv",
        conflicts="<open>/papers/{paper}/conflicts.csv",
        verdicts="<open>/papers/{paper}/verdicts.csv",
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


rule plot_audit:
    input:
        verdicts=rules.audit_paper.output.verdicts,
    output:
        png=report(
            "<open>/papers/{paper}/figures/audit.png",
            caption="../report/audit.rst",
            category="{paper}",
            subcategory="Audit",
            labels={"figure": "audit", "shows": "verdicts by place of the paper"},
        ),
        svg="<open>/papers/{paper}/figures/audit.svg",
        pdf="<open>/papers/{paper}/figures/audit.pdf",
        source="<open>/papers/{paper}/figures/audit.csv",
        record="<records>/plot_audit/{paper}.json",
    log:
        "<logs>/plot_audit/{paper}.log",
    benchmark:
        "<benchmarks>/plot_audit/{paper}.tsv"
    group:
        "cohort"
    conda:
        "../../envs/decidua.yaml"
    params:
        synthetic=synthetic_paper,
        code=fingerprint("plot_audit"),
    script:
        "../scripts/plot_audit.py"


CHAPTERS["audit"] = outputs(rules.audit_paper, paper=PAPERS) + outputs(rules.plot_audit, paper=PAPERS)
