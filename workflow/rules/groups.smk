# Which samples are near-duplicates: groups of them in every generated population, and the training samples near them.


def listed_pairs(wildcards, other=None):
    """The pairs listed of every generated population within itself, or with another one, definition by definition."""
    s = study(wildcards)
    own = [
        (d, search) for d in s.definitions for p in s.generated for search in results.own_searches(p, "train" in s.real)
    ]
    return [at(results.DUPLICATES, definition=d, search=search.name) for d, search in own if search.other == other]


def named_in(wildcards):
    """The populations whose samples may have names of their owner's: those that are read from files."""
    s = study(wildcards)
    own = [population for population, (name, _) in s.generated.items() if not s.generators[name].trained]
    return [*(["train"] if listed_pairs(wildcards, "train") else []), *own]


def told(definition):
    """The metric whose distances are told: the first that is no condition."""
    return next(name for name, metric in definition.items() if metric.fixed is None)


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
