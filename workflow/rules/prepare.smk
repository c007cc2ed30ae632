rule prepare:
    input:
        lambda wc: files_of(study(wc).source, *study(wc).given.values()),
    output:
        train=at(results.SAMPLES, population="train"),
        calibrate=at(results.SAMPLES, population="calibrate"),
        holdout=at(results.SAMPLES, population="holdout"),
    log:
        "<logs>/{study}/prepare/{part}.log",
    benchmark:
        "<benchmarks>/{study}/prepare/{part}.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(1000),
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        source=lambda wc: section(study(wc).source),
        trained_on=lambda wc: [section(given) for given in study(wc).given.values()],
        splits=lambda wc: section(study(wc).cut),
        seed=option("seed", CONFIG.seed),
        parts=option("parts", CONFIG.parts),
        others=lambda wc: others_of(study(wc).source, *study(wc).given.values()),
        code=lambda wc: code("prepare.py", study(wc).source, *study(wc).given.values(), without=DRAWING),
    message:
        "prepare the real samples of {wildcards.study}, part {wildcards.part}"
    shell:
        "prepare.py --source {params.source:q} --trained_on {params.trained_on:q} --splits {params.splits:q}"
        " {params.seed} --part {wildcards.part} {params.parts}"
        " --train {output.train:q} --calibrate {output.calibrate:q} --holdout {output.holdout:q} > {log:q} 2>&1"
