rule census:
    input:
        duplicates=lambda wc: searched(wc, results.DUPLICATES),
        repeats=lambda wc: searched(wc, results.REPEATS),
        answers=lambda wc: [at(results.ANSWERS, population=p) for p in results.answered(study(wc))],
    output:
        support=at(results.SUPPORT),
        curve=at(results.CURVE),
        diversity=at(results.DIVERSITY),
        copies=at(results.COPIES),
        scales=at(results.SCALES),
        statistics=at(results.STATISTICS),
        summary=at(results.SUMMARY),
    log:
        "<logs>/{study}/census.log",
    benchmark:
        "<benchmarks>/{study}/census.tsv"
    conda:
        "../../envs/conda.yaml"
    threads: 2  # to count at the same time: little else is left to do by then
    resources:
        mem_mb=grows(2000),
        runtime=30,
    params:
        census=lambda wc: section(study(wc).census, exclude=("alphas", "sweep")),
        definitions=lambda wc: list(study(wc).definitions),
        searches=lambda wc: json.dumps(results.searches(study(wc))),
        populations=lambda wc: results.answered(study(wc)),
        unseen=lambda wc: study(wc).unseen,
        group=lambda wc: study(wc).source.grouping,
        seed=option("seed", CONFIG.seed),
        code=code("census.py"),
    message:
        "take the census of {wildcards.study}"
    shell:
        "census.py --study {wildcards.study} --census {params.census:q} {params.seed} --threads {threads}"
        " --definitions {params.definitions} --searches {params.searches:q}"
        " --duplicates {input.duplicates:q} --repeats {input.repeats:q} --support {output.support:q}"
        " --curve {output.curve:q} --diversity {output.diversity:q} --copies {output.copies:q} --scales {output.scales:q}"
        " --populations {params.populations} --unseen {params.unseen} --group {params.group} --answers {input.answers:q} --statistics {output.statistics:q}"
        " --summary {output.summary:q} > {log:q} 2>&1"


rule sweep:
    input:
        lambda wc: [file for p in results.swept(study(wc)) for file in compared(definition_of(wc), p)],
    output:
        at(results.SWEEP),
    log:
        "<logs>/{study}/sweep/{definition}.log",
    benchmark:
        "<benchmarks>/{study}/sweep/{definition}.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(CONFIG.memory),
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        definition=lambda wc: sections(results.swept_definition(definition_of(wc))),
        census=lambda wc: section(study(wc).census, exclude=("margin", "replicates", "permutations")),
        populations=lambda wc: results.swept(study(wc)),
        code=lambda wc: code("sweep.py", *definition_of(wc).values()),
    message:
        "sweep the thresholds and metrics of {wildcards.definition} in {wildcards.study}"
    shell:
        "sweep.py --name {wildcards.definition} --definition {params.definition:q} --census {params.census:q}"
        " --populations {params.populations} --features {input:q} --output {output:q} > {log:q} 2>&1"


# What the notes of the sample tables are about: study, population, the user's name of the input, and whose tables.
INPUTS = [(name, *about) for name, s in CONFIG.studies.items() for about in results.inputs(s)]


rule collect_census:
    input:
        supports=[at(results.SUPPORT, study=name) for name in CONFIG.studies],
        summaries=[at(results.SUMMARY, study=name) for name in CONFIG.studies],
        samples=[
            at(results.SAMPLES, study=name, population=p, part=k) for name, *_, ps in INPUTS for p in ps for k in PARTS
        ],
    output:
        census=at(results.CENSUS),
        summary=at(results.ANSWERED),
        notes=at(results.INPUTS),
    log:
        "<logs>/collect_census.log",
    benchmark:
        "<benchmarks>/collect_census.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(1000),
        runtime=10,
    params:
        inputs=lambda wildcards: json.dumps(INPUTS),  # a function: braces in a path are no wildcards
        parts=option("parts", CONFIG.parts),
        code=code("collect_census.py"),
    message:
        "collect the census of every study"
    shell:
        "collect_census.py --supports {input.supports:q} --summaries {input.summaries:q} --inputs {params.inputs:q} {params.parts}"
        " --census {output.census:q} --summary {output.summary:q} --notes {output.notes:q} > {log:q} 2>&1"
