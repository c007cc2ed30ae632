# What people read, and what says where every file came from.

# Every result, relative to the results; {part} stands for each part of a population.
RESULTS = [results.CENSUS, results.ANSWERED]
# What the report shows.
READ = [results.INPUTS]

for name, s in CONFIG.studies.items():
    everyone = [*REAL, *s.generated]
    spaces = [metric.space for definition in s.definitions.values() for metric in definition.values()]
    encoders = sorted({*filter(None, [*spaces, *(analysis.space for analysis in s.analyses.values())])})
    searches = [search.name for search in results.searches(s)]
    figures = results.figures(s)

    found = [results.at(results.SAMPLES, population=p) for p in everyone]
    found += [results.at(results.EMBEDDED, encoder=e, population=p) for e in encoders for p in [*s.real, *s.generated]]
    found += [
        results.at(results.EMBEDDED, encoder=x.encoder, population="train") for x in s.selections.values() if x.encoder
    ]
    found += [results.at(file, encoder=e) for e in s.encoders for file in (results.ENCODER, results.ENCODER_HISTORY)]
    models = (results.GENERATOR, results.GENERATOR_HISTORY)
    found += [results.at(file, population=p) for p in results.trained(s) for file in models]
    found += [
        results.at(file, population=p) for p in results.answered(s) for file in (results.ANSWERS, results.COVERAGE)
    ]
    found += [results.CURVE, results.DUPLICATES_LIST, *(results.at(results.SELECTION, name=x) for x in s.selections)]
    tables = (results.DUPLICATES, results.REPEATS)
    found += [results.at(t, definition=d, search=x) for t in tables for d in s.definitions for x in searches]
    shown = [results.SUPPORT, results.DIVERSITY, results.COPIES, results.SCALES, results.GROUPS, results.SUMMARY]
    shown += [results.at(results.ANALYSIS, analysis=place) for place in s.analysed]
    tables = (results.THRESHOLDS, results.SWEEP)
    shown += [results.at(table, definition=d) for table in tables for d in s.definitions]
    shown += [results.at(results.FIGURE, figure=figure) for figure in figures]
    shown += [results.at(results.SHOWN, figure=figure) for figure, drawing in figures.items() if drawing.shows_samples]

    RESULTS += [results.at(file, study=name) for file in found]
    READ += [results.at(file, study=name) for file in shown]

RESULTS += READ

# The plug-ins whose sentences are in the report.
WORDED = [metric for s in CONFIG.studies.values() for d in s.definitions.values() for metric in d.values()]
WORDED += [analysis for s in CONFIG.studies.values() for analysis in s.analyses.values()]


rule provenance:
    input:
        [f"<results>/{file}" for pattern in RESULTS for file in expand(pattern, part=PARTS)],
    output:
        at(results.PROVENANCE),
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
        trace=at(results.TRACE),
        timeline=report(
            at(results.TIMELINE),
            category="all studies",
            labels={"figure": "timeline"},
            caption="../report/figure.rst",
        ),
    log:
        f"<logs>/{results.TRACE_LOG}",
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
        provenance=at(results.PROVENANCE),
        trace=at(results.TRACE),
        timeline=at(results.TIMELINE),
        template=str(located("workflow/report/report.html.j2")),
    output:
        report(
            at(results.REPORT),
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
