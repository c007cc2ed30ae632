rule thresholds:
    input:
        features=lambda wc: compared(definition_of(wc), "calibrate"),
        holdout=reference_of,
    output:
        at(results.THRESHOLDS),
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
        gpu=GPU,
    params:
        definition=lambda wc: sections(definition_of(wc)),
        level=lambda wc: option("level", study(wc).census.level),
        seed=option("seed", CONFIG.seed),
        device=option("device", CONFIG.device),
        code=lambda wc: code("thresholds.py", *definition_of(wc).values()),
    message:
        "find the thresholds of {wildcards.definition} in {wildcards.study}"
    shell:
        "thresholds.py --study {wildcards.study} --name {wildcards.definition} --definition {params.definition:q}"
        " {params.level} {params.seed} --memory {resources.memory} {params.device}"
        " --features {input.features:q} --holdout {input.holdout:q} --output {output:q} > {log:q} 2>&1"
