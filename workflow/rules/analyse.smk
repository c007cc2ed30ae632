rule analyse:
    input:
        features=lambda wc: [
            file for population in populations_of(wc) for file in parts_of(population, analysis_of(wc).space)
        ],
        models=judges_of,
        networks=networks_of,
        support=lambda wc: at(results.SUPPORT) if analysis_of(wc).counted else [],
    output:
        at(results.ANALYSIS),
    log:
        f"<logs>/{results.ANALYSE_LOG}",
    benchmark:
        "<benchmarks>/{study}/analyse/{analysis}.tsv"
    conda:
        "../../envs/conda.yaml"
    threads: 1  # others run beside it; `set-threads: analyse=4` in a profile, or --set-threads, gives `fidelity` more
    resources:
        mem_mb=grows(2000),
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        analysis=lambda wc: section(analysis_of(wc)),
        table=table_of,
        space=space_of,
        source=lambda wc: section(study(wc).source),
        generators=lambda wc: sections(study(wc).generators, exclude=["title"]),
        encoders=lambda wc: sections(asked_encoders(wc)),
        real=lambda wc: study(wc).real,
        generated=lambda wc: json.dumps(study(wc).generated),
        selections=lambda wc: json.dumps({name: s.chosen for name, s in compared_selections(wc).items()}),
        seed=option("seed", CONFIG.seed),
        # figures are for Analysis.draw, which another rule runs
        code=lambda wc: code("analyse.py", analysis_of(wc), study(wc).source, *asked(wc), without=DRAWING),
    message:
        "measure {wildcards.analysis} in {wildcards.study}"
    shell:
        "analyse.py --study {wildcards.study} --analysis {params.analysis:q} {params.table} --space {params.space:q}"
        " --source {params.source:q} --generators {params.generators:q}"
        " {params.seed} --real {params.real} --generated {params.generated:q} --features {input.features:q}"
        " --selections {params.selections:q} --support {input.support:q}"
        " --models {input.models:q} --encoders {params.encoders:q} --networks {input.networks:q} --threads {threads} --output {output:q} > {log:q} 2>&1"
