# One page for a person to read.


rule write_report:
    input:
        template=resource("workflow/report/report.html.j2"),
        config=lambda w: rules.record_config.output.public,
        tables=[
            path
            for chapter in (
                "cohort",
                "markers",
                "statistics",
                "prediction",
                "expression",
                "classifier",
                "model",
                "audit",
            )
            for path in CHAPTERS[chapter]
            if path.endswith(".csv") and "/open/" in path
        ],
        figures=[path for chapter in CHAPTERS for path in CHAPTERS[chapter] if path.endswith(".png")],
    output:
        report="<open>/report.html",
        record="<records>/write_report.json",
    log:
        "<logs>/write_report.log",
    benchmark:
        "<benchmarks>/write_report.tsv"
    localrule: True
    conda:
        "../../envs/decidua.yaml"
    params:
        sections=report_sections(),
        synthetic=any_synthetic(),
        code=fingerprint("write_report"),
    script:
        "../scripts/write_report.py"


CHAPTERS["report"] = outputs(rules.write_report)
