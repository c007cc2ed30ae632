"""Plans, each in a fork of this process, which has imported what they need: seconds less than a process of their own.

A line of stdin is a JSON list: the file for what is said, and Snakemake's options. A line of stdout is the exit status.
"""

import json
import os
import sys

from snakemake.cli import main

import snakemake_logger_plugin_gancensus  # noqa: F401

for line in sys.stdin:
    screen, *options = json.loads(line)
    if not (child := os.fork()):
        file = os.open(screen, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        main(options)  # ends the process
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
