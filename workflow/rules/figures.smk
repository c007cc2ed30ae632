# Figures are drawn from tables. Their captions stand in src/gancensus/report/captions.py, once for both reports.

from gancensus.report.captions import FIGURES

# The populations of each study whose generators were trained here.
TRAINED = {
    name: [population for population, (generator, _) in s.generated.items() if s.generators[generator].trained]
    for name, s in CONFIG.studies.items()
}


rule draw_gallery:
    input:
        lambda wc: [file for p in ["holdout", *study(wc).generated] for file in parts_of(p)],
    output:
        figure=report(
            "<results>/{study}/figures/gallery.svg",
            category="{study}",
            labels={"figure": "samples"},
            caption="../report/figure.rst",
        ),
        shown="<results>/{study}/figures/gallery.parquet",
    log:
        "<logs>/{study}/draw_gallery.log",
    benchmark:
        "<benchmarks>/{study}/draw_gallery.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=20,
    params:
        populations=lambda wc: ["holdout", *study(wc).generated],
        caption=FIGURES["gallery"][1],
        code=drawing("gallery"),
    message:
        "draw samples of {wildcards.study}"
    shell:
        "draw.py gallery --populations {params.populations} --samples {input:q}"
        " --shown {output.shown:q} --output {output.figure:q} > {log:q} 2>&1"


rule draw_birthday:
    input:
        support="<results>/{study}/census/support.parquet",
        curve="<results>/{study}/census/curve.parquet",
    output:
        report(
            "<results>/{study}/figures/birthday.svg",
            category="{study}",
            labels={"figure": "birthday curve"},
            caption="../report/figure.rst",
        ),
    log:
        "<logs>/{study}/draw_birthday.log",
    benchmark:
        "<benchmarks>/{study}/draw_birthday.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(1000),
        runtime=10,
    params:
        caption=FIGURES["birthday"][1],
        code=drawing("birthday"),
    message:
        "draw the birthday curves of {wildcards.study}"
    shell:
        "draw.py birthday --curve {input.curve:q} --support {input.support:q} --output {output:q} > {log:q} 2>&1"


rule draw_support:
    input:
        "<results>/{study}/census/support.parquet",
    output:
        report(
            "<results>/{study}/figures/support.svg",
            category="{study}",
            labels={"figure": "effective support"},
            caption="../report/figure.rst",
        ),
    log:
        "<logs>/{study}/draw_support.log",
    benchmark:
        "<benchmarks>/{study}/draw_support.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(1000),
        runtime=10,
    params:
        caption=FIGURES["support"][1],
        code=drawing("support"),
    message:
        "draw the support sizes of {wildcards.study}"
    shell:
        "draw.py support --support {input:q} --output {output:q} > {log:q} 2>&1"


rule draw_diversity:
    input:
        "<results>/{study}/census/diversity.parquet",
    output:
        report(
            "<results>/{study}/figures/diversity.svg",
            category="{study}",
            labels={"figure": "diversity profile"},
            caption="../report/figure.rst",
        ),
    log:
        "<logs>/{study}/draw_diversity.log",
    benchmark:
        "<benchmarks>/{study}/draw_diversity.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(1000),
        runtime=10,
    params:
        caption=FIGURES["diversity"][1],
        code=drawing("diversity"),
    message:
        "draw the diversity profiles of {wildcards.study}"
    shell:
        "draw.py diversity --diversity {input:q} --output {output:q} > {log:q} 2>&1"


rule draw_sweep:
    input:
        "<results>/{study}/sweep/{definition}.parquet",
    output:
        report(
            "<results>/{study}/figures/sweep-{definition}.svg",
            category="{study}",
            labels={"figure": "sweep of {definition}"},
            caption="../report/figure.rst",
        ),
    log:
        "<logs>/{study}/draw_sweep/{definition}.log",
    benchmark:
        "<benchmarks>/{study}/draw_sweep/{definition}.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(1000),
        runtime=10,
    params:
        margin=lambda wc: option("margin", study(wc).census.margin),
        caption=FIGURES["sweep"][1],
        code=drawing("sweep"),
    message:
        "draw the sweep of {wildcards.definition} in {wildcards.study}"
    shell:
        "draw.py sweep --sweep {input:q} {params.margin} --output {output:q} > {log:q} 2>&1"


rule draw_closest:
    input:
        samples=lambda wc: [file for p in counted(wc) for file in parts_of(p)],
        duplicates=lambda wc: [f"<results>/{{study}}/duplicates/{{definition}}/{p}.parquet" for p in counted(wc)],
    output:
        figure=report(
            "<results>/{study}/figures/closest-{definition}.svg",
            category="{study}",
            labels={"figure": "closest pairs by {definition}"},
            caption="../report/figure.rst",
        ),
        shown="<results>/{study}/figures/closest-{definition}.parquet",
    log:
        "<logs>/{study}/draw_closest/{definition}.log",
    benchmark:
        "<benchmarks>/{study}/draw_closest/{definition}.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=20,
    params:
        populations=counted,
        metric=lambda wc: next(name for name, metric in definition_of(wc).items() if metric.fixed is None),
        caption=FIGURES["closest"][1],
        code=drawing("closest"),
    message:
        "draw the closest pairs of {wildcards.study} by {wildcards.definition}"
    shell:
        "draw.py closest --populations {params.populations} --metric {params.metric} --samples {input.samples:q}"
        " --duplicates {input.duplicates:q} --shown {output.shown:q} --output {output.figure:q} > {log:q} 2>&1"


rule draw_training:
    input:
        generators=lambda wc: [f"<results>/{{study}}/generators/{p}/history.parquet" for p in TRAINED[wc.study]],
        encoders=lambda wc: [f"<results>/{{study}}/encoders/{e}/history.parquet" for e in study(wc).encoders],
    output:
        report(
            "<results>/{study}/figures/training.svg",
            category="{study}",
            labels={"figure": "training"},
            caption="../report/figure.rst",
        ),
    log:
        "<logs>/{study}/draw_training.log",
    benchmark:
        "<benchmarks>/{study}/draw_training.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(1000),
        runtime=10,
    params:
        generators=lambda wc: TRAINED[wc.study],
        encoders=lambda wc: list(study(wc).encoders),
        caption=FIGURES["training"][1],
        code=drawing("training"),
    message:
        "draw the losses of {wildcards.study}"
    shell:
        "draw.py training --generators {params.generators} --encoders {params.encoders}"
        " --histories {input:q} --output {output:q} > {log:q} 2>&1"


rule draw_selection:
    input:
        selection="<results>/{study}/selections/{name}.parquet",
        samples=parts_of("train"),
    output:
        figure=report(
            "<results>/{study}/figures/selection-{name}.svg",
            category="{study}",
            labels={"figure": "selection {name}"},
            caption="../report/figure.rst",
        ),
        shown="<results>/{study}/figures/selection-{name}.parquet",
    log:
        "<logs>/{study}/draw_selection/{name}.log",
    benchmark:
        "<benchmarks>/{study}/draw_selection/{name}.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(1000),
        runtime=10,
    params:
        caption=FIGURES["selection"][1],
        code=drawing("selection"),
    message:
        "draw what {wildcards.name} of {wildcards.study} keeps and drops"
    shell:
        "draw.py selection --selection {input.selection:q} --samples {input.samples:q}"
        " --shown {output.shown:q} --output {output.figure:q} > {log:q} 2>&1"


rule draw_analysis:
    input:
        "<results>/{study}/{analysis}.parquet",
    output:
        report(
            "<results>/{study}/figures/{analysis}.svg",
            category="{study}",
            labels={"figure": "{analysis}"},
            caption="../report/figure.rst",
        ),
    log:
        "<logs>/{study}/draw_analysis/{analysis}.log",
    benchmark:
        "<benchmarks>/{study}/draw_analysis/{analysis}.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(1000),
        runtime=10,
    params:
        analysis=lambda wc: section(analysis_of(wc)),
        table=table_of,
        caption=lambda wc: analysis_of(wc).tables[study(wc).analysed[wc.analysis][1]].caption,
        code=lambda wc: drawing("analysis", analysis_of(wc)),
    message:
        "draw {wildcards.analysis} of {wildcards.study}"
    shell:
        "draw.py analysis --analysis {params.analysis:q} {params.table} --path {input:q} --output {output:q} > {log:q} 2>&1"


rule draw_timeline:
    input:
        "<results>/trace.parquet",
    output:
        report(
            "<results>/timeline.svg",
            category="all studies",
            labels={"figure": "timeline"},
            caption="../report/figure.rst",
        ),
    log:
        "<logs>/draw_timeline.log",
    benchmark:
        "<benchmarks>/draw_timeline.tsv"
    conda:
        "../../envs/conda.yaml"
    resources:
        mem_mb=grows(1000),
        runtime=10,
    params:
        caption=FIGURES["timeline"][1],
        code=drawing("timeline"),
    message:
        "draw when each job ran"
    shell:
        "draw.py timeline --trace {input:q} --output {output:q} > {log:q} 2>&1"
