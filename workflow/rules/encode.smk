rule fit_encoder:
    input:
        train=lambda wc: parts_of(study(wc).real[0]),  # on which an encoder that is not fitted is only tried
        files=lambda wc: files_of(*fitted_from(wc)),
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
        encoder=lambda wc: section(encoder_of(wc)),
        seed=option("seed", CONFIG.seed),
        device=option("device", CONFIG.device),
        source=lambda wc: [section(source) for source in counted_source(wc)],
        others=lambda wc: others_of(*fitted_from(wc)),
        code=lambda wc: code("fit_encoder.py", *fitted_from(wc), without=[*DRAWING, "gancensus.config.code"]),
    message:
        "fit encoder {wildcards.encoder} of {wildcards.study}"
    shell:
        "fit_encoder.py --study {wildcards.study} --name {wildcards.encoder}"
        " --encoder {params.encoder:q} {params.seed} {params.device} --source {params.source:q} --train {input.train:q}"
        " --checkpoint {resources.checkpoint} --model {output.model:q} --history {output.history:q} > {log:q} 2>&1"


rule embed:
    input:
        samples=at(results.SAMPLES),
        model=at(results.ENCODER),
        whole=counted_parts,
        files=lambda wc: files_of(encoder_of(wc)),
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
        runtime=lambda wildcards, attempt: 60 * attempt,
        gpu=GPU,
    params:
        encoder=lambda wc: section(encoder_of(wc)),
        generator=makers_of,
        device=option("device", CONFIG.device),
        parts=option("parts", CONFIG.parts),
        others=lambda wc: others_of(encoder_of(wc)),
        code=lambda wc: code("embed.py", encoder_of(wc)),
    message:
        "embed {wildcards.population} of {wildcards.study} by {wildcards.encoder}, part {wildcards.part}"
    shell:
        "embed.py --encoder {params.encoder:q} --generator {params.generator:q} {params.device} {params.parts}"
        " --model {input.model:q} --samples {input.samples:q} --whole {input.whole:q}"
        " --output {output:q} > {log:q} 2>&1"
