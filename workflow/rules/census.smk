rule census:
    input:
        lambda wc: [
            f"<results>/{{study}}/duplicates/{definition}/{population}.parquet"
            for definition in study(wc).definitions
            for population in counted(wc)
        ],
    output:
        support="<results>/{study}/census/support.parquet",
        curve="<results>/{study}/census/curve.parquet",
    log:
        "<logs>/{study}/census.log",
    benchmark:
        "<benchmarks>/{study}/census.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=30,
    params:
        census=lambda wc: section(study(wc).census),
        definitions=lambda wc: list(study(wc).definitions),
        populations=counted,
        seed=CONFIG.seed,
    message:
        "take the census of {wildcards.study}"
    shell:
        "census.py --study {wildcards.study} --census {params.census:q} --seed {params.seed}"
        " --definitions {params.definitions} --populations {params.populations} --duplicates {input:q}"
        " --support {output.support:q} --curve {output.curve:q} > {log:q} 2>&1"


rule collect_census:
    input:
        [f"<results>/{name}/census/support.parquet" for name in CONFIG.studies],
    output:
        "<results>/census.parquet",
    log:
        "<logs>/collect_census.log",
    benchmark:
        "<benchmarks>/collect_census.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(1000),
        runtime=10,
    message:
        "collect the census of every study"
    shell:
        "collect_census.py --supports {input:q} --output {output:q} > {log:q} 2>&1"
