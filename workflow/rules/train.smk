rule train:
    input:
        train=parts_of("train"),
        selection=selection_of,
    output:
        model="<results>/{study}/generators/{name}-{replica}/model.safetensors",
        history="<results>/{study}/generators/{name}-{replica}/history.parquet",
    log:
        "<logs>/{study}/train/{name}-{replica}.log",
    benchmark:
        "<benchmarks>/{study}/train/{name}-{replica}.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=lambda wildcards, attempt: 120 * attempt,
    params:
        generator=lambda wc: section(study(wc).generators[wc.name], exclude=["samples", "replicas", "train_on"]),
        seed=CONFIG.seed,
        device=CONFIG.device,
    message:
        "train generator {wildcards.name}-{wildcards.replica} of {wildcards.study}"
    shell:
        "train.py --study {wildcards.study} --name {wildcards.name} --replica {wildcards.replica}"
        " --generator {params.generator:q} --seed {params.seed} --device {params.device}"
        " --train {input.train:q} --selection {input.selection:q} --model {output.model:q} --history {output.history:q} > {log:q} 2>&1"
