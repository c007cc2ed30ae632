def compared(definition, population):
    """The files that the metrics of a definition compare, metric by metric and part by part."""
    return [file for metric in definition.values() for file in parts_of(population, metric.encoder)]


def definition_of(wildcards):
    """A definition of duplicates: its metrics by name."""
    return study(wildcards).definitions[wildcards.definition]


rule thresholds:
    input:
        lambda wc: compared(definition_of(wc), "calibrate"),
    output:
        "<results>/{study}/thresholds/{definition}.parquet",
    params:
        definition=lambda wc: sections(definition_of(wc)),
    log:
        "<logs>/{study}/thresholds/{definition}.log",
    benchmark:
        "<benchmarks>/{study}/thresholds/{definition}.tsv"
    message:
        "find the thresholds of {wildcards.definition} in {wildcards.study}"
    resources:
        mem_mb=grows(2000),
        runtime=30,
    conda:
        "../../envs/conda.yaml"
    shell:
        "{PYTHON:q} {SCRIPTS:q}/thresholds.py --definition {params.definition:q}"
        " --features {input:q} --output {output:q} > {log:q} 2>&1"
