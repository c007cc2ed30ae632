rule pairs:
    input:
        features=lambda wc: compared(definition_of(wc), wc.population),
        thresholds="<results>/{study}/thresholds/{definition}.parquet",
    output:
        temp("<results>/{study}/duplicates/{definition}/{population}/{shard}.parquet"),
    log:
        "<logs>/{study}/pairs/{definition}/{population}-{shard}.log",
    benchmark:
        "<benchmarks>/{study}/pairs/{definition}/{population}-{shard}.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        definition=lambda wc: sections(definition_of(wc)),
        shards=CONFIG.shards,
    message:
        "search {wildcards.population} of {wildcards.study} for duplicates by {wildcards.definition},"
        " shard {wildcards.shard}"
    shell:
        "pairs.py --definition {params.definition:q} --thresholds {input.thresholds:q}"
        " --shard {wildcards.shard} --shards {params.shards} --features {input.features:q}"
        " --output {output:q} > {log:q} 2>&1"


rule merge_pairs:
    input:
        [f"<results>/{{study}}/duplicates/{{definition}}/{{population}}/{shard}.parquet" for shard in SHARDS],
    output:
        "<results>/{study}/duplicates/{definition}/{population}.parquet",
    log:
        "<logs>/{study}/merge_pairs/{definition}/{population}.log",
    benchmark:
        "<benchmarks>/{study}/merge_pairs/{definition}/{population}.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=20,
    message:
        "merge the duplicates of {wildcards.population} of {wildcards.study} by {wildcards.definition}"
    shell:
        "merge_pairs.py --shards {input:q} --output {output:q} > {log:q} 2>&1"
