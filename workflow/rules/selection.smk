def embedded_train(wildcards):
    return parts_of("train", study(wildcards).selections[wildcards.name].encoder)


rule select:
    input:
        embedded_train,
    output:
        "<results>/{study}/selections/{name}.parquet",
    params:
        score=lambda wc: section(study(wc).selections[wc.name].score),
        keep=lambda wc: study(wc).selections[wc.name].keep,
    log:
        "<logs>/{study}/select/{name}.log",
    benchmark:
        "<benchmarks>/{study}/select/{name}.tsv"
    message:
        "select the training samples of {wildcards.name} in {wildcards.study}"
    resources:
        mem_mb=grows(1000),
        runtime=20,
    conda:
        "../../envs/conda.yaml"
    shell:
        "{PYTHON:q} {SCRIPTS:q}/selection.py --score {params.score:q} --keep {params.keep}"
        " --embedded {input:q} --output {output:q} > {log:q} 2>&1"
