rule generate:
    input:
        model=model_of,
        files=lambda wc: files_of(study(wc).generators[generator_of(wc)[0]]),
        like=parts_of("holdout"),
    output:
        at(results.SAMPLES),
    log:
        "<logs>/{study}/generate/{population}-{part}.log",
    benchmark:
        "<benchmarks>/{study}/generate/{population}-{part}.tsv"
    wildcard_constraints:
        population=r"[A-Za-z][A-Za-z0-9_+-]*-\d+",
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=30,
        gpu=GPU,
    params:
        generator=lambda wc: section(study(wc).generators[generator_of(wc)[0]], exclude=["replicas", "train_on", "title"]),
        seed=option("seed", CONFIG.seed),
        device=option("device", CONFIG.device),
        parts=option("parts", CONFIG.parts),
        others=lambda wc: others_of(study(wc).generators[generator_of(wc)[0]]),
        code=lambda wc: code("generate.py", study(wc).generators[generator_of(wc)[0]]),
    message:
        "generate {wildcards.population} of {wildcards.study}, part {wildcards.part}"
    shell:
        "generate.py --study {wildcards.study} --population {wildcards.population}"
        " --generator {params.generator:q} {params.seed} {params.device}"
        " --part {wildcards.part} {params.parts} --model {input.model:q} --like {input.like:q}"
        " --output {output:q} > {log:q} 2>&1"
