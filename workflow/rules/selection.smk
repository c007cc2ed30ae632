rule select:
    input:
        embedded_train,
    output:
        at(results.SELECTION),
    log:
        "<logs>/{study}/select/{name}.log",
    benchmark:
        "<benchmarks>/{study}/select/{name}.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(1000),
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        score=lambda wc: section(study(wc).selections[wc.name].score),
        cut=lambda wc: section(study(wc).selections[wc.name], exclude=("encoder", "score")),
        seed=option("seed", CONFIG.seed),
        code=lambda wc: code("selection.py", study(wc).selections[wc.name].score),
    message:
        "select the training samples of {wildcards.name} in {wildcards.study}"
    shell:
        "selection.py --study {wildcards.study} --name {wildcards.name} {params.seed} --score {params.score:q} --cut {params.cut:q} --embedded {input:q} --output {output:q} > {log:q} 2>&1"
