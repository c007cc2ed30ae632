# What all rules share: the validated configuration, the programs, and the names of populations and files.

import json
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from gancensus.config import REAL, load
from gancensus.errors import UserError

try:
    CONFIG = load(config, [Path(path) for path in workflow.configfiles])
except UserError as error:
    raise WorkflowError(str(error)) from None

PYTHON = sys.executable
SCRIPTS = Path(str(workflow.current_basedir)).parents[1] / "scripts"
PARTS = range(CONFIG.parts)
SHARDS = range(CONFIG.shards)


wildcard_constraints:
    study="|".join(CONFIG.studies),
    population=r"[A-Za-z][A-Za-z0-9_+-]*",
    name=r"[A-Za-z][A-Za-z0-9_+-]*",
    encoder=r"[A-Za-z][A-Za-z0-9_+-]*",
    definition=r"[A-Za-z][A-Za-z0-9_+-]*",
    replica=r"\d+",
    part=r"\d+",
    shard=r"\d+",


def study(wildcards):
    """The configuration of the study that a job belongs to."""
    return CONFIG.studies[wildcards.study]


def section(model, exclude=()):
    """A section of the configuration as a parameter: what a job gets to know, and reruns for when it changes."""
    return model.model_dump_json(exclude=set(exclude))


def sections(models):
    """Named sections of the configuration as a parameter."""
    return json.dumps({name: model.model_dump(mode="json") for name, model in models.items()})


def generator_of(wildcards):
    """Generator and replica of a generated population."""
    return study(wildcards).generated[wildcards.population]


def parts_of(population, encoder=None):
    """The files of a population, as samples or as an encoder's vectors."""
    folder = f"embedded/{encoder}" if encoder else "samples"
    return [f"<results>/{{study}}/{folder}/{population}/{part}.parquet" for part in PARTS]


def grows(megabytes):
    """Memory that doubles with every attempt."""
    return lambda wildcards, attempt: megabytes * 2 ** (attempt - 1)
