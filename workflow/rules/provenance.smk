# What was made, by what, from what: the settings in full and the manifest of every artifact.


rule record_config:
    output:
        config="<results>/config.yaml",
        record="<records>/record_config.json",
    log:
        "<logs>/record_config.log",
    localrule: True
    conda:
        "../../envs/decidua.yaml"
    params:
        config=config,
        code=fingerprint("record_config"),
    script:
        "../scripts/record_config.py"


CHAPTERS["manifest"] = outputs(rules.record_config)


rule write_manifest:
    input:
        records=list(RECORDS),
    output:
        manifest="<results>/manifest.tsv",
        record="<records>/write_manifest.json",
    log:
        "<logs>/write_manifest.log",
    localrule: True
    conda:
        "../../envs/decidua.yaml"
    params:
        code=fingerprint("write_manifest"),
    script:
        "../scripts/write_manifest.py"


CHAPTERS["manifest"] += outputs(rules.write_manifest)


# Asked for by name; it runs nothing else, so that it tells what is there.
rule verify:
    log:
        "<logs>/verify.log",
    localrule: True
    conda:
        "../../envs/decidua.yaml"
    params:
        results=f"results/{config['version']}",
    script:
        "../scripts/verify.py"
