# A search is named by what is compared: POPULATION with itself, or POPULATION~OTHER with another.


rule pairs:
    input:
        features=lambda wc: [
            file for population in wc.search.split("~") for file in compared(definition_of(wc), population)
        ],
        thresholds="<results>/{study}/thresholds/{definition}.parquet",
    output:
        duplicates=temp("<results>/{study}/duplicates/{definition}/{search}/{shard}.parquet"),
        repeats=temp("<results>/{study}/repeats/{definition}/{search}/{shard}.parquet"),
    log:
        "<logs>/{study}/pairs/{definition}/{search}-{shard}.log",
    benchmark:
        "<benchmarks>/{study}/pairs/{definition}/{search}-{shard}.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(CONFIG.memory),
        runtime=lambda wildcards, attempt: 60 * attempt,
        gpu=GPU,
    params:
        definition=lambda wc: sections(definition_of(wc)),
        populations=lambda wc: wc.search.split("~"),
        shards=option("shards", CONFIG.shards),
        memory=option("memory", CONFIG.memory),  # the shards of a search must agree on the blocks that it makes
        cap=option("cap", CONFIG.cap),
        device=option("device", CONFIG.device),
        code=lambda wc: code("pairs.py", *definition_of(wc).values()),
    message:
        "search {wildcards.search} of {wildcards.study} for duplicates by {wildcards.definition},"
        " shard {wildcards.shard}"
    shell:
        "pairs.py --definition {params.definition:q} --thresholds {input.thresholds:q}"
        " --shard {wildcards.shard} {params.shards} {params.memory} {params.cap}"
        " {params.device} --populations {params.populations} --features {input.features:q}"
        " --duplicates {output.duplicates:q} --repeats {output.repeats:q} > {log:q} 2>&1"


rule merge_pairs:
    input:
        shards=[f"<results>/{{study}}/duplicates/{{definition}}/{{search}}/{shard}.parquet" for shard in SHARDS],
        counts=[f"<results>/{{study}}/repeats/{{definition}}/{{search}}/{shard}.parquet" for shard in SHARDS],
    output:
        duplicates="<results>/{study}/duplicates/{definition}/{search}.parquet",
        repeats="<results>/{study}/repeats/{definition}/{search}.parquet",
    log:
        "<logs>/{study}/merge_pairs/{definition}/{search}.log",
    benchmark:
        "<benchmarks>/{study}/merge_pairs/{definition}/{search}.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=20,
    params:
        cap=option("cap", CONFIG.cap),
        code=code("merge_pairs.py"),
    message:
        "merge the duplicates of {wildcards.search} of {wildcards.study} by {wildcards.definition}"
    shell:
        "merge_pairs.py {params.cap} --shards {input.shards:q} --counts {input.counts:q}"
        " --duplicates {output.duplicates:q} --repeats {output.repeats:q} > {log:q} 2>&1"
