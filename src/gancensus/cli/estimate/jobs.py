"""The jobs of a configuration, as Snakemake plans them."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from gancensus.contracts.errors import UserError


class Job(NamedTuple):
    """A job of the DAG: files relative to the results, memory it asks for (MB), jobs that it waits for."""

    rule: str
    wildcards: Mapping[str, str]
    inputs: Sequence[str]
    outputs: Sequence[str]
    asked: float
    command: str
    needs: Sequence[int]


def jobs_of(raw: Mapping[str, Any], folder: Path, snakefile: Path) -> list[Job]:
    """Return the jobs of a configuration, as Snakemake plans them in an empty folder.

    Raises UserError for an error of the configuration that only the rules find.
    """
    from snakemake.api import ConfigSettings, OutputSettings, ResourceSettings, SnakemakeApi
    from snakemake.exceptions import WorkflowError
    from snakemake.settings.types import Quietness

    (folder / "config.yaml").write_text(yaml.safe_dump(dict(raw), sort_keys=False), encoding="utf-8")
    here = Path.cwd()
    try:
        with redirect_stdout(io.StringIO()), SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
            workflow = api.workflow(
                resource_settings=ResourceSettings(cores=1),
                config_settings=ConfigSettings(configfiles=[folder / "config.yaml"]),
                snakefile=snakefile,
                workdir=folder,
            )
            workflow.dag().printrulegraph()  # there is no public way to plan only
            dag = workflow._workflow.dag
            jobs = [job for job in dag.jobs if job.output]
            number = {job: k for k, job in enumerate(jobs)}
            return [
                Job(
                    job.rule.name,
                    dict(job.wildcards_dict),
                    [str(file).removeprefix("results/") for file in job.input],
                    [str(file).removeprefix("results/") for file in job.output],
                    float(job.resources["mem_mb"]),
                    job.shellcmd,
                    [number[other] for other in dag.dependencies[job]],
                )
                for job in jobs
            ]
    except WorkflowError as error:
        raise UserError(str(error)) from None
    finally:
        os.chdir(here)


def groups(profile: Path) -> dict[str, str]:
    """Return what a profile for SLURM calls the group of a rule's jobs, which are one job of SLURM's."""
    return dict(yaml.safe_load((profile / "config.yaml").read_text(encoding="utf-8")).get("groups") or {})


def ordered(jobs: Sequence[Job]) -> list[int]:
    """Return the jobs so that each comes after those it waits for."""
    done: dict[int, None] = {}

    def visit(k: int) -> None:
        for other in jobs[k].needs:
            if other not in done:
                visit(other)
        done[k] = None

    for k in range(len(jobs)):
        if k not in done:
            visit(k)
    return list(done)
