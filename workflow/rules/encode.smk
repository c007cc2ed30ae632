rule fit_encoder:
    input:
        parts_of("train"),
    output:
        model=at(results.ENCODER),
        history=at(results.ENCODER_HISTORY),
    log:
        "<logs>/{study}/fit_encoder/{encoder}.log",
    benchmark:
        "<benchmarks>/{study}/fit_encoder/{encoder}.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=lambda wildcards, attempt: 60 * attempt,
        gpu=GPU,
        checkpoint=CONFIG.checkpoint,  # as a resource, so that another value reruns nothing
    params:
        encoder=lambda wc: section(study(wc).encoders[wc.encoder]),
        seed=option("seed", CONFIG.seed),
        device=option("device", CONFIG.device),
        code=lambda wc: code("fit_encoder.py", study(wc).encoders[wc.encoder], without=["gancensus.config.code"]),
    message:
        "fit encoder {wildcards.encoder} of {wildcards.study}"
    shell:
        "fit_encoder.py --study {wildcards.study} --name {wildcards.encoder}"
        " --encoder {params.encoder:q} {params.seed} {params.device} --train {input:q}"
        " --checkpoint {resources.checkpoint} --model {output.model:q} --history {output.history:q} > {log:q} 2>&1"


rule embed:
    input:
        samples=at(results.SAMPLES),
        model=at(results.ENCODER),
    output:
        at(results.EMBEDDED),
    log:
        "<logs>/{study}/embed/{encoder}/{population}-{part}.log",
    benchmark:
        "<benchmarks>/{study}/embed/{encoder}/{population}-{part}.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=20,
        gpu=GPU,
    params:
        encoder=lambda wc: section(study(wc).encoders[wc.encoder]),
        device=option("device", CONFIG.device),
        parts=option("parts", CONFIG.parts),
        code=lambda wc: code("embed.py", study(wc).encoders[wc.encoder]),
    message:
        "embed {wildcards.population} of {wildcards.study} by {wildcards.encoder}, part {wildcards.part}"
    shell:
        "embed.py --encoder {params.encoder:q} {params.device} {params.parts}"
        " --model {input.model:q} --samples {input.samples:q} --output {output:q} > {log:q} 2>&1"
