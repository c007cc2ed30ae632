def made_from(wildcards):
    """The model of a trained generator, or the file that the user brings."""
    name, _ = generator_of(wildcards)
    generator = study(wildcards).generators[name]
    return "<results>/{study}/generators/{population}/model.safetensors" if generator.trained else generator.path


rule generate:
    input:
        origin=made_from,
        like="<results>/{study}/samples/train/0.parquet",
    output:
        "<results>/{study}/samples/{population}/{part}.parquet",
    wildcard_constraints:
        population=r"[A-Za-z][A-Za-z0-9_+-]*-\d+",
    params:
        generator=lambda wc: section(
            study(wc).generators[generator_of(wc)[0]], exclude=["replicas", "train_on"]
        ),
        seed=CONFIG.seed,
        device=CONFIG.device,
        parts=CONFIG.parts,
    log:
        "<logs>/{study}/generate/{population}-{part}.log",
    benchmark:
        "<benchmarks>/{study}/generate/{population}-{part}.tsv"
    message:
        "generate {wildcards.population} of {wildcards.study}, part {wildcards.part}"
    resources:
        mem_mb=grows(2000),
        runtime=30,
    conda:
        "../../envs/conda.yaml"
    shell:
        "{PYTHON:q} {SCRIPTS:q}/generate.py --study {wildcards.study} --population {wildcards.population}"
        " --generator {params.generator:q} --seed {params.seed} --device {params.device}"
        " --part {wildcards.part} --parts {params.parts} --origin {input.origin:q} --like {input.like:q}"
        " --output {output:q} > {log:q} 2>&1"
