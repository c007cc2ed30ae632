rule fit_encoder:
    input:
        parts_of("train"),
    output:
        model="<results>/{study}/encoders/{encoder}/model.safetensors",
        history="<results>/{study}/encoders/{encoder}/history.parquet",
    log:
        "<logs>/{study}/fit_encoder/{encoder}.log",
    benchmark:
        "<benchmarks>/{study}/fit_encoder/{encoder}.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        encoder=lambda wc: section(study(wc).encoders[wc.encoder]),
        seed=CONFIG.seed,
        device=CONFIG.device,
    message:
        "fit encoder {wildcards.encoder} of {wildcards.study}"
    shell:
        "fit_encoder.py --study {wildcards.study} --name {wildcards.encoder}"
        " --encoder {params.encoder:q} --seed {params.seed} --device {params.device} --train {input:q}"
        " --model {output.model:q} --history {output.history:q} > {log:q} 2>&1"


rule embed:
    input:
        samples="<results>/{study}/samples/{population}/{part}.parquet",
        model="<results>/{study}/encoders/{encoder}/model.safetensors",
    output:
        "<results>/{study}/embedded/{encoder}/{population}/{part}.parquet",
    log:
        "<logs>/{study}/embed/{encoder}/{population}-{part}.log",
    benchmark:
        "<benchmarks>/{study}/embed/{encoder}/{population}-{part}.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=20,
    params:
        encoder=lambda wc: section(study(wc).encoders[wc.encoder]),
        device=CONFIG.device,
        parts=CONFIG.parts,
    message:
        "embed {wildcards.population} of {wildcards.study} by {wildcards.encoder}, part {wildcards.part}"
    shell:
        "embed.py --encoder {params.encoder:q} --device {params.device} --parts {params.parts}"
        " --model {input.model:q} --samples {input.samples:q} --output {output:q} > {log:q} 2>&1"
