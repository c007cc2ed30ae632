# What people read, and what says where every file came from.

# Every result, relative to the results; {part} stands for each part of a population.
RESULTS = ["census.parquet"]
# What the report shows.
READ = ["inputs.parquet"]

for name, s in CONFIG.studies.items():
    everyone = [*REAL, *s.generated]
    spaces = [metric.space for definition in s.definitions.values() for metric in definition.values()]
    encoders = sorted({*filter(None, [*spaces, *(analysis.space for analysis in s.analyses.values())])})
    parted = [f"samples/{p}" for p in everyone]
    parted += [f"embedded/{e}/{p}" for e in encoders for p in everyone]
    parted += [f"embedded/{selection.encoder}/train" for selection in s.selections.values()]
    models = [f"encoders/{e}" for e in s.encoders] + [f"generators/{p}" for p in results.trained(s)]
    tables = ["census/curve", *(f"selections/{x}" for x in s.selections)]
    searched = [search.name for search in results.searches(s)]
    tables += [f"{table}/{d}/{x}" for table in ("duplicates", "repeats") for d in s.definitions for x in searched]
    figures = results.figures(s)

    RESULTS += [f"{name}/{folder}/{{part}}.parquet" for folder in parted]
    RESULTS += [f"{name}/{folder}/{file}" for folder in models for file in ("model.safetensors", "history.parquet")]
    RESULTS += [f"{name}/{table}.parquet" for table in tables]
    READ += [f"{name}/census/{table}.parquet" for table in ("support", "copies", "diversity")]
    READ += [f"{name}/{analysis}.parquet" for analysis in s.analysed]
    READ += [f"{name}/{table}/{d}.parquet" for d in s.definitions for table in ("thresholds", "sweep")]
    READ += [f"{name}/figures/{figure}.svg" for figure in figures]
    READ += [f"{name}/figures/{figure}.parquet" for figure, drawing in figures.items() if drawing.shows_samples]

RESULTS += READ

# The plug-ins that have their words in the report.
WORDED = [metric for s in CONFIG.studies.values() for d in s.definitions.values() for metric in d.values()]
WORDED += [analysis for s in CONFIG.studies.values() for analysis in s.analyses.values()]


rule provenance:
    input:
        [f"<results>/{file}" for pattern in RESULTS for file in expand(pattern, part=PARTS)],
    output:
        "<results>/provenance.json",
    log:
        "<logs>/provenance.log",
    benchmark:
        "<benchmarks>/provenance.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(1000),
        runtime=30,
    params:
        configuration=lambda wildcards: section(CONFIG, exclude=["pathvars"]),  # whose paths may have braces
        files=lambda wildcards: RESULTS,
        parts=option("parts", CONFIG.parts),
        code=code("provenance.py"),
    message:
        "write down where every result came from"
    shell:
        "provenance.py --configuration {params.configuration:q} --files {params.files:q} {params.parts}"
        " --output {output:q} > {log:q} 2>&1"


rule collect_trace:
    input:
        rules.provenance.input,  # so that every other job has ended
    output:
        trace="<results>/trace.parquet",
        timeline=report(
            "<results>/timeline.svg",
            category="all studies",
            labels={"figure": "timeline"},
            caption="../report/figure.rst",
        ),
    log:
        "<logs>/collect_trace.log",
    benchmark:
        "<benchmarks>/collect_trace.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(1000),
        runtime=10,
    params:
        names=[*CONFIG.studies, "collect_census"],
        caption=FIGURES["timeline"][1],
        code=code("collect_trace.py"),
    message:
        "collect when each job ran"
    shell:
        "collect_trace.py --beside {log:q} --names {params.names:q} --output {output.trace:q}"
        " --timeline {output.timeline:q} > {log:q} 2>&1"


rule report:
    input:
        [f"<results>/{file}" for file in READ],
        provenance="<results>/provenance.json",
        trace="<results>/trace.parquet",
        timeline="<results>/timeline.svg",
        template=str(SCRIPTS.parent / "workflow/report/report.html.j2"),
    output:
        report(
            "<results>/report.html",
            category="all studies",
            labels={"figure": "the whole report"},
            caption="../report/figure.rst",
        ),
    log:
        "<logs>/report.log",
    benchmark:
        "<benchmarks>/report.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(1000),
        runtime=10,
    params:
        caption="Every study on one page, which opens without a network.",
        code=code("report.py", *WORDED),
    message:
        "write the report"
    shell:
        "report.py --provenance {input.provenance:q} --template {input.template:q} --output {output:q} > {log:q} 2>&1"
