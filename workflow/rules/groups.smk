# Which samples are near-duplicates: groups of them in every generated population, and the training samples near them.


rule groups:
    input:
        duplicates=listed_pairs,
        train=lambda wc: listed_pairs(wc, "train"),
        samples=lambda wc: [file for population in named_in(wc) for file in parts_of(population)],
    output:
        groups=at(results.GROUPS),
        list=at(results.DUPLICATES_LIST),
    log:
        "<logs>/{study}/groups.log",
    benchmark:
        "<benchmarks>/{study}/groups.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=30,
    params:
        definitions=lambda wc: list(study(wc).definitions),
        metrics=lambda wc: [told(definition) for definition in study(wc).definitions.values()],
        populations=lambda wc: list(study(wc).generated),
        titles=lambda wc: json.dumps(study(wc).titles),
        named=named_in,
        code=code("groups.py"),
    message:
        "group the near-duplicates of {wildcards.study}"
    shell:
        "groups.py --definitions {params.definitions} --metrics {params.metrics:q} --populations {params.populations}"
        " --titles {params.titles:q} --named {params.named} --duplicates {input.duplicates:q}"
        " --train {input.train:q} --samples {input.samples:q} --groups {output.groups:q} --list {output.list:q}"
        " > {log:q} 2>&1"
