# The figures of a study are drawn from its tables, all by one job. Their captions are in
# src/gancensus/report/captions.py and in the analyses, once for both reports.


def drawn_from(name, s):
    """What the figures of a study are drawn from."""
    files = [results.CURVE, results.SUPPORT, results.DIVERSITY, results.GROUPS, *([results.SCALES] if results.scaled(s) else [])]
    files += [results.at(results.SWEEP, definition=d) for d in s.definitions]
    files += [results.at(results.SELECTION, name=x) for x in s.selections]
    files += [results.at(results.ANALYSIS, analysis=place) for place in s.analysed]
    files += [results.at(results.COVERAGE, population=p) for p in s.generated]
    counted = results.counted(s)
    files += [results.at(results.DUPLICATES, definition=d, search=p) for d in s.definitions for p in counted]
    files += [results.at(results.GENERATOR_HISTORY, population=p) for p in results.trained(s)]
    files += [results.at(results.ENCODER_HISTORY, encoder=e) for e in s.encoders]
    files += [results.at(results.SAMPLES, population=p, part=part) for p in counted for part in PARTS]
    return [at(file, study=name) for file in files]


def captions_of(s):
    """The captions of a study's figures by kind; those of an analysis's tables together."""
    tables = [table for analysis, name in s.analysed.values() if (table := analysis.tables[name]).drawn]
    return FIGURES | {"analysis": ("", "\n\n".join(f"**{table.title}.** {table.caption}" for table in tables))}


def picture(name, figure, drawing):
    """A figure as Snakemake's report shows it."""
    flags = {"category": name, "labels": {"figure": drawing.label}, "caption": f"../report/figures/{drawing.kind}.rst"}
    return report(at(results.FIGURE, study=name, figure=figure), **flags)


def as_it_is(value):
    """A parameter in which braces are no wildcards."""
    return lambda wildcards: value


# A rule for each study, because they have different figures.
for name, s in CONFIG.studies.items():

    rule:
        name:
            f"draw_{name}"
        input:
            drawn_from(name, s),
        output:
            figures=[picture(name, figure, drawing) for figure, drawing in results.figures(s).items()],
            shown=[at(results.SHOWN, study=name, figure=f) for f, d in results.figures(s).items() if d.shows_samples],
        log:
            f"<logs>/{results.at(results.DRAW_LOG, study=name)}",
        benchmark:
            f"<benchmarks>/{name}/draw.tsv"
        conda:
            "../../envs/conda.yaml"
        resources:
            mem_mb=grows(2000),
            runtime=30,
        params:
            study=as_it_is(section(s)),
            parts=option("parts", CONFIG.parts),
            captions=as_it_is({kind: caption for kind, (_, caption) in captions_of(s).items()}),
            code=code("draw.py", s.source, *s.analyses.values(), without=["gancensus.config.configuration"]),
        message:
            f"draw the figures of {name}"
        shell:
            "draw.py --study {params.study:q} {params.parts} --gallery {output.figures[0]:q} > {log:q} 2>&1"
