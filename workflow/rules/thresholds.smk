rule thresholds:
    input:
        lambda wc: compared(definition_of(wc), "calibrate"),
    output:
        "<results>/{study}/thresholds/{definition}.parquet",
    log:
        "<logs>/{study}/thresholds/{definition}.log",
    benchmark:
        "<benchmarks>/{study}/thresholds/{definition}.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(CONFIG.memory),
        memory=CONFIG.memory,  # as a resource, so that another value reruns nothing
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        definition=lambda wc: sections(definition_of(wc)),
        level=lambda wc: study(wc).census.level,
        seed=CONFIG.seed,
        device=CONFIG.device,
    message:
        "find the thresholds of {wildcards.definition} in {wildcards.study}"
    shell:
        "thresholds.py --study {wildcards.study} --name {wildcards.definition} --definition {params.definition:q}"
        " --level {params.level} --seed {params.seed} --memory {resources.memory} --device {params.device}"
        " --features {input:q} --output {output:q} > {log:q} 2>&1"
