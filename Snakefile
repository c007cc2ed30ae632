# The same jobs as workflow/Snakefile, where the table of contents is.
include: "workflow/Snakefile"


rule default:
    default_target: True
    input:
        rules.all.input,
    localrule: True
