# What the four answers about a generator rest on, and the same of `train`, real samples that show what a study can see.


rule answers:
    input:
        features=answered_features,
        thresholds=lambda wc: [at(results.THRESHOLDS, definition=name) for name in study(wc).definitions],
    output:
        answers=at(results.ANSWERS),
        coverage=at(results.COVERAGE),
    log:
        f"<logs>/{results.ANSWERS_LOG}",
    benchmark:
        "<benchmarks>/{study}/answers/{population}.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(CONFIG.memory),
        runtime=lambda wildcards, attempt: 240 * attempt,
        gpu=GPU,
    params:
        definitions=lambda wc: json.dumps(
            {
                name: {k: metric.model_dump(mode="json") for k, metric in definition.items()}
                for name, definition in study(wc).definitions.items()
            }
        ),
        real=lambda wc: study(wc).real,
        reference=lambda wc: study(wc).reference(wc.population),
        fitted=fitted_spaces,
        permutations=lambda wc: option("permutations", study(wc).census.permutations),
        seed=option("seed", CONFIG.seed),
        memory=option("memory", CONFIG.memory),
        device=option("device", CONFIG.device),
        code=lambda wc: code("answers.py", *(m for d in study(wc).definitions.values() for m in d.values())),
    message:
        "measure {wildcards.population} of {wildcards.study} beside holdout"
    shell:
        "answers.py --study {wildcards.study} --population {wildcards.population} --definitions {params.definitions:q}"
        " --real {params.real} --reference {params.reference} --fitted {params.fitted} {params.permutations} {params.seed} {params.memory} {params.device} --thresholds {input.thresholds:q}"
        " --features {input.features:q} --answers {output.answers:q} --coverage {output.coverage:q} > {log:q} 2>&1"
