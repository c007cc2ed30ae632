rule fit_encoder:
    input:
        parts_of("train"),
    output:
        model="<results>/{study}/encoders/{encoder}/model.safetensors",
        history="<results>/{study}/encoders/{encoder}/history.parquet",
    params:
        encoder=lambda wc: section(study(wc).encoders[wc.encoder]),
        seed=CONFIG.seed,
        device=CONFIG.device,
    log:
        "<logs>/{study}/fit_encoder/{encoder}.log",
    benchmark:
        "<benchmarks>/{study}/fit_encoder/{encoder}.tsv"
    message:
        "fit encoder {wildcards.encoder} of {wildcards.study}"
    resources:
        mem_mb=grows(2000),
        runtime=lambda wildcards, attempt: 60 * attempt,
    conda:
        "../../envs/conda.yaml"
    shell:
        "{PYTHON:q} {SCRIPTS:q}/fit_encoder.py --study {wildcards.study} --name {wildcards.encoder}"
        " --encoder {params.encoder:q} --seed {params.seed} --device {params.device} --train {input:q}"
        " --model {output.model:q} --history {output.history:q} > {log:q} 2>&1"


rule embed:
    input:
        samples="<results>/{study}/samples/{population}/{part}.parquet",
        model="<results>/{study}/encoders/{encoder}/model.safetensors",
    output:
        "<results>/{study}/embedded/{encoder}/{population}/{part}.parquet",
    params:
        encoder=lambda wc: section(study(wc).encoders[wc.encoder]),
        device=CONFIG.device,
    log:
        "<logs>/{study}/embed/{encoder}-{population}-{part}.log",
    benchmark:
        "<benchmarks>/{study}/embed/{encoder}-{population}-{part}.tsv"
    message:
        "embed {wildcards.population} of {wildcards.study} by {wildcards.encoder}, part {wildcards.part}"
    resources:
        mem_mb=grows(2000),
        runtime=20,
    conda:
        "../../envs/conda.yaml"
    shell:
        "{PYTHON:q} {SCRIPTS:q}/embed.py --encoder {params.encoder:q} --device {params.device}"
        " --model {input.model:q} --samples {input.samples:q} --output {output:q} > {log:q} 2>&1"
