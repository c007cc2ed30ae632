"""The command line: commands, and the supervision of Snakemake, here and on SLURM."""
