rule analyse:
    input:
        lambda wc: [
            file
            for population in populations_of(wc)
            for file in parts_of(population, study(wc).analyses[wc.analysis].encoder)
        ],
    output:
        "<results>/{study}/{analysis}.parquet",
    log:
        "<logs>/{study}/{analysis}.log",
    benchmark:
        "<benchmarks>/{study}/{analysis}.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        analysis=lambda wc: section(study(wc).analyses[wc.analysis]),
        populations=populations_of,
        seed=CONFIG.seed,
    message:
        "measure {wildcards.analysis} in {wildcards.study}"
    shell:
        "analyse.py --study {wildcards.study} --analysis {params.analysis:q}"
        " --seed {params.seed} --populations {params.populations} --features {input:q}"
        " --output {output:q} > {log:q} 2>&1"
