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
        mem_mb=grows(2000),
        runtime=30,
    params:
        definition=lambda wc: sections(definition_of(wc)),
    message:
        "find the thresholds of {wildcards.definition} in {wildcards.study}"
    shell:
        "thresholds.py --definition {params.definition:q}" " --features {input:q} --output {output:q} > {log:q} 2>&1"
