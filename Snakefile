# The same jobs as workflow/Snakefile, where the table of contents is.
include: "workflow/Snakefile"


rule default:
    input:
        rules.all.input,
    default_target: True
    localrule: True
