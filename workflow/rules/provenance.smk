# What was made, by what, from what, and is it still so? Nothing here looks into the data.
from decidua.config import recorded
from decidua.provenance import RUN_FILES

# Asked for by name, these run nothing else: they tell what is there.
READERS = {"verify", "diff", "write_reference", *TOOLS}
FROZEN = Path(f"results/{config['version']}/frozen")


if FROZEN.exists() and workflow.is_main_process:
    note = f"results/{config['version']} is frozen: a run that would change it is refused."
    print(note, file=sys.stderr)


onstart:
    if FROZEN.exists() and not set(workflow.dag_settings.targets or ["all"]) <= READERS:
        why = " ".join(FROZEN.read_text(encoding="utf-8").split())
        sys.exit(
            f"\n{FROZEN}: found this version declared frozen{f' ({why})' if why else ''}; expected a run that "
            "changes nothing in it. Raise `version` in config.yaml, or remove the file.\n"
        )


rule record_config:
    output:
        config="<results>/config.yaml",
        public="<open>/config.yaml",
        record="<records>/record_config.json",
    log:
        "<logs>/record_config.log",
    benchmark:
        "<benchmarks>/record_config.tsv"
    localrule: True
    conda:
        "../../envs/decidua.yaml"
    params:
        config=recorded(config),
        code=fingerprint("record_config"),
    script:
        "../scripts/record_config.py"


CHAPTERS["manifest"] = outputs(rules.record_config)


# A Workflow Run RO-Crate: what is under open/, described for machines and ready to be deposited.
rule write_crate:
    input:
        records=list(RECORDS),
        snakefile=f"{workflow.basedir}/Snakefile",
    output:
        crate="<open>/ro-crate-metadata.json",
        snakefile="<open>/workflow/Snakefile",
        record="<records>/write_crate.json",
    log:
        "<logs>/write_crate.log",
    benchmark:
        "<benchmarks>/write_crate.tsv"
    localrule: True
    conda:
        "../../envs/decidua.yaml"
    params:
        date=config["date"],
        licence=config["licence"],
        description=contents(),
        not_hashed=[f"run/{name}" for name in RUN_FILES],
        code=fingerprint("write_crate"),
    script:
        "../scripts/write_crate.py"


CHAPTERS["manifest"] += outputs(rules.write_crate)


rule write_manifest:
    input:
        records=list(RECORDS),
    output:
        manifest="<results>/manifest.tsv",
        record="<records>/write_manifest.json",
    log:
        "<logs>/write_manifest.log",
    benchmark:
        "<benchmarks>/write_manifest.tsv"
    localrule: True
    conda:
        "../../envs/decidua.yaml"
    params:
        code=fingerprint("write_manifest"),
    script:
        "../scripts/write_manifest.py"


CHAPTERS["manifest"] += outputs(rules.write_manifest)


# Time and memory, from Snakemake's benchmark files: true of this run only, so no record and no hash.
rule plot_resources:
    input:
        benchmarks=list(BENCHMARKS),
    output:
        png=report(
            "<run>/resources.png",
            caption="../report/resources.rst",
            category="The run",
            labels={"figure": "resources", "shows": "time and memory of each rule"},
        ),
        svg="<run>/resources.svg",
        pdf="<run>/resources.pdf",
        source="<run>/resources.csv",
    log:
        "<logs>/plot_resources.log",
    localrule: True
    conda:
        "../../envs/decidua.yaml"
    params:
        code=fingerprint("plot_resources"),
    script:
        "../scripts/plot_resources.py"


# The one place with a clock.
rule record_run:
    input:
        manifest=rules.write_manifest.output.manifest,
        resources=rules.plot_resources.output.source,
    output:
        run="<run>/record.json",
    log:
        "<logs>/record_run.log",
    localrule: True
    conda:
        "../../envs/decidua.yaml"
    params:
        code=fingerprint("record_run"),
    script:
        "../scripts/record_run.py"


CHAPTERS["manifest"] += [f"<run>/{name}" for name in RUN_FILES]


rule verify:
    log:
        f"results/logs/verify_{config['version']}.log",
    localrule: True
    conda:
        "../../envs/decidua.yaml"
    params:
        results=f"results/{config['version']}",
        reference=compared_with(config["against"]),
    script:
        "../scripts/verify.py"


rule diff:
    log:
        f"results/logs/diff_{config['version']}.log",
    localrule: True
    conda:
        "../../envs/decidua.yaml"
    params:
        before=compared_with(config["against"]),
        after=f"results/{config['version']}",
        tables=f"results/diffs/{Path(config['against'] or 'nothing').name}_{config['version']}",
    script:
        "../scripts/diff.py"


rule write_reference:
    log:
        f"results/logs/write_reference_{config['version']}.log",
    localrule: True
    conda:
        "../../envs/decidua.yaml"
    params:
        results=f"results/{config['version']}",
        reference=compared_with(config["against"]),
    script:
        "../scripts/write_reference.py"
