rule train:
    input:
        train=parts_of("train"),
        selection=selection_of,
        validation=lambda wc: parts_of("calibrate") if study(wc).generators[wc.name].validated else [],
    output:
        model=at(results.GENERATOR, population="{name}-{replica}"),
        history=at(results.GENERATOR_HISTORY, population="{name}-{replica}"),
    log:
        "<logs>/{study}/train/{name}-{replica}.log",
    benchmark:
        "<benchmarks>/{study}/train/{name}-{replica}.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=lambda wildcards, attempt: 120 * attempt,
        gpu=GPU,
        checkpoint=CONFIG.checkpoint,  # as a resource, so that another value reruns nothing
    params:
        generator=lambda wc: section(
            study(wc).generators[wc.name], exclude=study(wc).generators[wc.name].outside_training
        ),
        seed=option("seed", CONFIG.seed),
        device=option("device", CONFIG.device),
        code=lambda wc: code("train.py", study(wc).generators[wc.name], without=["gancensus.config.code"]),
    message:
        "train generator {wildcards.name}-{wildcards.replica} of {wildcards.study}"
    shell:
        "train.py --study {wildcards.study} --name {wildcards.name} --replica {wildcards.replica}"
        " --generator {params.generator:q} {params.seed} {params.device}"
        " --checkpoint {resources.checkpoint} --train {input.train:q} --selection {input.selection:q}"
        " --validation {input.validation:q}"
        " --model {output.model:q} --history {output.history:q} > {log:q} 2>&1"
