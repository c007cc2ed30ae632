# A search is named by what is compared: POPULATION with itself, or POPULATION~OTHER with another. With shards, each shard
# of a search is a job; without, the three searches of a population are one, and so are those of the real samples.
# Studies without `train` have other searches: beside some with it, they need rules of their own.
SOME_TRAIN = any("train" in s.real for s in CONFIG.studies.values())
OWN_SEARCHES = {train: results.own_searches("{population}", train) for train in (True, False)}
REAL_SEARCHES = {train: results.real_searches(train) for train in (True, False)}

SEARCH = (
    "pairs.py --definition {params.definition:q} --thresholds {input.thresholds:q} {params.shards}"
    " {params.memory} {params.cap} {params.device} --searches {params.searches:q} --populations {params.populations}"
    " --features {input.features:q} --duplicates {output.duplicates:q} --repeats {output.repeats:q}"
)

# The shards of a search must agree on the blocks that it makes.
LIMITS = {name: option(name, getattr(CONFIG, name)) for name in ("shards", "memory", "cap", "device")}

GENERATED = "|".join(sorted({p for s in CONFIG.studies.values() for p in map(re.escape, s.generated)})) or "-"

if CONFIG.shards > 1:

    rule pairs:
        input:
            features=lambda wc: features_of([search_of(wc)])(wc),
            thresholds=at(results.THRESHOLDS),
        output:
            duplicates=temp(at(results.DUPLICATES_SHARD)),
            repeats=temp(at(results.REPEATS_SHARD)),
        log:
            "<logs>/{study}/pairs/{definition}/{search}-{shard}.log",
        benchmark:
            "<benchmarks>/{study}/pairs/{definition}/{search}-{shard}.tsv"
        conda:
            "../../envs/conda.yaml"
        resources:
            mem_mb=grows(CONFIG.memory),
            runtime=lambda wildcards, attempt: 60 * attempt,
            gpu=GPU,
        params:
            **LIMITS,
            definition=lambda wc: sections(definition_of(wc)),
            searches=lambda wc: json.dumps([search_of(wc)]),
            populations=lambda wc: compared_in([search_of(wc)]),
            code=search_code,
        message:
            "search {wildcards.search} of {wildcards.study} for duplicates by {wildcards.definition},"
            " shard {wildcards.shard}"
        shell:
            f"{SEARCH} --shard {{wildcards.shard}} > {{log:q}} 2>&1"

    rule merge_pairs:
        input:
            shards=[at(results.DUPLICATES_SHARD, shard=shard) for shard in SHARDS],
            counts=[at(results.REPEATS_SHARD, shard=shard) for shard in SHARDS],
        output:
            duplicates=at(results.DUPLICATES),
            repeats=at(results.REPEATS),
        log:
            "<logs>/{study}/merge_pairs/{definition}/{search}.log",
        benchmark:
            "<benchmarks>/{study}/merge_pairs/{definition}/{search}.tsv"
        conda:
            "../../envs/conda.yaml"
        resources:
            mem_mb=grows(2000),
            runtime=20,
        params:
            cap=option("cap", CONFIG.cap),
            code=code("merge_pairs.py"),
        message:
            "merge the duplicates of {wildcards.search} of {wildcards.study} by {wildcards.definition}"
        shell:
            "merge_pairs.py {params.cap} --shards {input.shards:q} --counts {input.counts:q}"
            " --duplicates {output.duplicates:q} --repeats {output.repeats:q} > {log:q} 2>&1"

else:

    rule pairs:
        input:
            features=lambda wc: features_of(OWN_SEARCHES[has_train(wc)])(wc),
            thresholds=at(results.THRESHOLDS),
        output:
            duplicates=found_by_searches(results.DUPLICATES, OWN_SEARCHES[SOME_TRAIN]),
            repeats=found_by_searches(results.REPEATS, OWN_SEARCHES[SOME_TRAIN]),
        log:
            "<logs>/{study}/pairs/{definition}/{population}.log",
        benchmark:
            "<benchmarks>/{study}/pairs/{definition}/{population}.tsv"
        wildcard_constraints:
            study=studies_that_have(SOME_TRAIN),
            population=GENERATED,
        conda:
            "../../envs/conda.yaml"
        resources:
            mem_mb=grows(CONFIG.memory),
            runtime=lambda wildcards, attempt: 60 * attempt,
            gpu=GPU,
        params:
            **LIMITS,
            definition=lambda wc: sections(definition_of(wc)),
            searches=lambda wc: json.dumps(results.own_searches(wc.population, has_train(wc))),
            populations=lambda wc: compared_in(results.own_searches(wc.population, has_train(wc))),
            code=search_code,
        message:
            "search {wildcards.population} of {wildcards.study} for duplicates by {wildcards.definition}"
        shell:
            f"{SEARCH} --shard 0 > {{log:q}} 2>&1"

    rule pairs_real:
        input:
            features=lambda wc: features_of(REAL_SEARCHES[has_train(wc)])(wc),
            thresholds=at(results.THRESHOLDS),
        output:
            duplicates=found_by_searches(results.DUPLICATES, REAL_SEARCHES[SOME_TRAIN]),
            repeats=found_by_searches(results.REPEATS, REAL_SEARCHES[SOME_TRAIN]),
        log:
            "<logs>/{study}/pairs_real/{definition}.log",
        benchmark:
            "<benchmarks>/{study}/pairs_real/{definition}.tsv"
        wildcard_constraints:
            study=studies_that_have(SOME_TRAIN),
        conda:
            "../../envs/conda.yaml"
        resources:
            mem_mb=grows(CONFIG.memory),
            runtime=lambda wildcards, attempt: 60 * attempt,
            gpu=GPU,
        params:
            **LIMITS,
            definition=lambda wc: sections(definition_of(wc)),
            searches=lambda wc: json.dumps(REAL_SEARCHES[has_train(wc)]),
            populations=lambda wc: compared_in(REAL_SEARCHES[has_train(wc)]),
            code=search_code,
        message:
            "search the real samples of {wildcards.study} for duplicates by {wildcards.definition}"
        shell:
            f"{SEARCH} --shard 0 > {{log:q}} 2>&1"

    if SOME_TRAIN and studies_that_have(False) != "-":

        use rule pairs as pairs_without_train with:
            output:
                duplicates=found_by_searches(results.DUPLICATES, OWN_SEARCHES[False]),
                repeats=found_by_searches(results.REPEATS, OWN_SEARCHES[False]),
            wildcard_constraints:
                study=studies_that_have(False),
                population=GENERATED,

        use rule pairs_real as pairs_real_without_train with:
            output:
                duplicates=found_by_searches(results.DUPLICATES, REAL_SEARCHES[False]),
                repeats=found_by_searches(results.REPEATS, REAL_SEARCHES[False]),
            wildcard_constraints:
                study=studies_that_have(False),
