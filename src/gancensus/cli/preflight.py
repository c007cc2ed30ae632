"""Checks before a run on a cluster that all it needs is there: in seconds here, and by one small job on a node."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
import sys
import time
import uuid
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from gancensus.cli.head import say
from gancensus.cli.slurm import Queue, answer, ask
from gancensus.config.configuration import Config
from gancensus.config.pipeline import located
from gancensus.config.results import searches
from gancensus.contracts.errors import UserError

COMMANDS = ("sbatch", "squeue", "scontrol", "scancel", "sinfo")
POLL = 180 + 60  # seconds: the plugin's longest interval between two status checks, and a margin
LATENCY = 60.0  # seconds within which a file written on a node must be visible here
LETTERS = 255  # of the name of a folder
PACKAGES = ("gancensus", "snakemake", "torch")
ELSEWHERE = ("cluster", "clusters", "slurm_cluster")  # resources that send jobs to another cluster
OPTIONS = {  # of a profile's resources, as the plugin gives them to sbatch
    "slurm_account": "--account",
    "slurm_partition": "--partition",
    "qos": "--qos",
    "constraint": "--constraint",
    "runtime": "--time",
    "mem_mb": "--mem",
}
NAME = "-preflight"  # of the probe, after the prefix of the run
PROBE = f"""import json
import {", ".join(PACKAGES)}
from importlib.metadata import version
print(json.dumps({{name: version(name) for name in {PACKAGES}}}))"""


class Profile:
    """The part of a Snakemake profile that decides whether SLURM accepts a job."""

    def __init__(self, folder: Path) -> None:
        """Read the folder's config.yaml; raises UserError."""
        self.path = folder / "config.yaml"
        try:
            content = yaml.safe_load(self.path.read_text())
        except FileNotFoundError:
            raise UserError(
                f"{self.path}: no such profile; copy {located('workflow/profiles/slurm')} and name the copy"
            ) from None
        except NotADirectoryError:
            raise UserError(f"{folder}: a profile is a folder; name {folder.parent}") from None
        except (OSError, yaml.YAMLError) as error:
            raise UserError(f"{self.path}: not readable as YAML ({str(error).splitlines()[0]})") from None
        self.content: dict[str, Any] = content if isinstance(content, dict) else {}

    def resources(self) -> dict[str, dict[str, Any]]:
        """Return the resources of the rules that have their own, and under '' those of all others."""
        default = _pairs(self.content.get("default-resources"))
        rules: dict[str, dict[str, Any]] = {"": default}
        own = self.content.get("set-resources") or {}
        if isinstance(own, Mapping):
            return rules | {rule: default | _pairs(values) for rule, values in own.items()}
        for entry in own:  # rule:name=value
            rule, _, pair = str(entry).partition(":")
            rules[rule] = rules.get(rule, default) | _pairs([pair])
        return rules

    def options(self) -> dict[tuple[str, ...], str]:
        """Return the different options for sbatch, each with a rule that asks for it ('' for the default)."""
        found: dict[tuple[str, ...], str] = {}
        for rule, resources in self.resources().items():
            words = [f"{option}={resources[name]}" for name, option in OPTIONS.items() if _plain(name, resources)]
            words += [f"--{k}={v}" for k in ("qos", "reservation") if (v := self.content.get(f"slurm-{k}"))]
            found.setdefault((*words, *shlex.split(str(resources.get("slurm_extra") or ""))), rule)
        return found


def _pairs(values: Any) -> dict[str, Any]:
    """Return resources that are given as a mapping or as a list of name=value."""
    if isinstance(values, Mapping):
        return dict(values)
    pairs = [str(value).partition("=") for value in values or ()]
    return {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}


def _plain(name: str, resources: Mapping[str, Any]) -> bool:
    """Say whether a resource is a value that sbatch knows: no expression, and no `1d`, which only Snakemake reads."""
    pattern = r"\d+" if name in ("runtime", "mem_mb") else r"[\w.,:@+-]+"
    return re.fullmatch(pattern, str(resources.get(name, ""))) is not None


def preflight(profile: Profile) -> str:
    """Check what can be checked without a job; return the command by which Snakemake learns the state of its jobs.

    Raises UserError: what is missing, where, and what to do.
    """
    has_commands()
    one_cluster(profile)
    status = scheduler()
    accounts(profile)
    accepted(profile)
    return status


def names_fit(config: Config) -> None:
    """Refuse names that are too long together: a job's logs are in a folder whose name holds all of them."""
    for name, study in config.studies.items():
        longest = max(len(search.name) for search in searches(study))
        for key in (*study.definitions, *study.encoders):
            letters = len(f"{name}_{key}_") + longest + len(f"_{max(config.parts, config.shards)}")
            if letters > LETTERS:
                raise UserError(
                    f"studies.{name}: the names of the study, of '{key}' and of a generator have {letters} letters "
                    f"together, and SLURM's logs have room for {LETTERS}; shorten one"
                )


def has_commands() -> None:
    """Look for SLURM's commands and the plugin."""
    missing = [command for command in COMMANDS if not shutil.which(command)]
    if missing:
        raise UserError(
            f"{', '.join(missing)}: not found; start the run where SLURM's commands are, on a login node of the cluster"
        )
    if not importlib.util.find_spec("snakemake_executor_plugin_slurm"):
        raise UserError("snakemake-executor-plugin-slurm is not installed; pip install snakemake-executor-plugin-slurm")


def one_cluster(profile: Profile) -> None:
    """Refuse jobs on another cluster: the run sees only this one's queue."""
    if "SLURM_CLUSTERS" in os.environ:
        raise UserError(
            "SLURM_CLUSTERS is set, but a run sees one cluster only: unset it, or start on a node of the other"
        )
    for rule, resources in profile.resources().items():
        if name := next((name for name in ELSEWHERE if resources.get(name)), None):
            which = f"set-resources: {rule}" if rule else "default-resources"
            raise UserError(f"{profile.path}: {which}: {name}: a run sees one cluster only; remove it, or start there")


def scheduler() -> str:
    """Ask the controller for its settings; return the status command that suits them."""
    ping = ask("scontrol", "ping")
    shown = answer("scontrol", "show", "config") if ping and " is UP" in ping.stdout else None
    if not shown:
        said = _last((ping.stdout + ping.stderr).partition("*")[0]) if ping else "no answer in 30 s"
        raise UserError(f"SLURM's controller does not answer: {said}; try again later, or ask the administrator")
    config = dict(re.findall(r"^(\w+)\s*= (.*?)\s*$", shown, re.MULTILINE))
    accounting = _accounting(config)
    age = int(re.match(r"\d*", config.get("MinJobAge", ""))[0] or 0)  # type: ignore[index]
    what = "accounting" if accounting else "no accounting"
    facts = f"slurm {config.get('SLURM_VERSION', '?')}; {what}; MinJobAge {age} s"
    status = "squeue" if age >= POLL else "sacct" if accounting else None
    if not status:
        raise UserError(
            f"{facts}: SLURM would forget a finished job before Snakemake asks about it; ask the administrator for "
            "MinJobAge=300 in slurm.conf, or for accounting"
        )
    say(f"scheduler: {facts}: status by {status}")
    return status


def _accounting(config: Mapping[str, str]) -> bool:
    """Say whether SLURM has accounting and sacct can read it."""
    if config.get("AccountingStorageType", "").endswith("none") or not shutil.which("sacct"):
        return False
    return answer("sacct", "--allocations", "--noheader", "--format=JobID", "--starttime=now") is not None


def accounts(profile: Profile) -> None:
    """Refuse an account where there is no accounting: the plugin could not look it up and would fail every job."""
    asked = {name for resources in profile.resources().values() if (name := resources.get("slurm_account"))}
    if asked and answer("sacctmgr", "--noheader", "list", "user", "format=account") is None:
        raise UserError(f"{profile.path}: slurm_account: SLURM has no accounting here; remove the line")


def accepted(profile: Profile) -> None:
    """Ask SLURM, without submitting anything, whether it would run jobs such as ours.

    A rule's own resources give only a warning: SLURM may require what such a job asks for besides, such as a GPU.
    """
    for options, rule in profile.options().items():
        done = ask("sbatch", "--test-only", *options, "--wrap=true")
        if done is None or done.returncode:
            said = re.sub(r"^(sbatch: |error: |allocation failure: )*", "", _last(done.stderr)) if done else "no answer"
            refused = f"SLURM refuses {' '.join(options)}: {said}"
            if not rule:
                raise UserError(f"{profile.path}: default-resources: {refused}")
            say(f"warning: {profile.path}: set-resources: {rule}: {refused}")
    say(f"jobs: SLURM accepts them as {profile.path} asks for them")


def _last(text: str) -> str:
    """Return the last line that is not empty."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def probe(profile: Profile, queue: Queue, results: Path) -> None:
    """Run a job on a node that writes into the results folder and imports what the jobs need.

    Raises UserError when it cannot. What it writes is removed.
    """
    for left in results.glob(".preflight-*"):  # by a head that was killed
        shutil.rmtree(left, ignore_errors=True)
    place = results / f".preflight-{uuid.uuid4().hex[:8]}"
    place.mkdir(parents=True)
    number = ""
    try:
        number = submit_probe(next(iter(profile.options())), queue, place)
        state, node = wait_for(number, queue)
        said = _read(place / "answer", LATENCY if state in ("COMPLETED", "") else 0)
        if said is None and state not in ("COMPLETED", "FAILED", ""):  # it fails where a node does not see the folder
            raise UserError(f"the probe, job {number}, ended as {state} on {node or 'no node'}; run again, or ask why")
        judge(node, said, results)
    finally:
        if number:
            ask("scancel", number)
        shutil.rmtree(place, ignore_errors=True)


def submit_probe(options: tuple[str, ...], queue: Queue, place: Path) -> str:
    """Submit the probe; return SLURM's number for it."""
    code = shlex.join([sys.executable, "-c", PROBE])
    script = f"cd {shlex.quote(str(place))} && {{ {code}; }} > answer.tmp 2>&1; mv answer.tmp answer"
    call = ["sbatch", "--parsable", f"--job-name={queue.prefix}{NAME}", "--output=/dev/null", "--chdir=/", *options]
    done = ask(*call, f"--wrap={script}")
    if done is None or done.returncode:
        raise UserError(f"sbatch refuses a small job: {_last(done.stderr) if done else 'no answer in 30 s'}")
    return _last(done.stdout).split(";")[0]


def wait_for(number: str, queue: Queue) -> tuple[str, str]:
    """Wait until the probe has ended, printing what it waits for; return its state and its node.

    Both are empty when SLURM has forgotten it. It is looked up by name: squeue fails for a forgotten number.
    """
    call = ["squeue", "--noheader", f"--user={os.getuid()}", f"--name={queue.prefix}{NAME}", "--states=all"]
    printed = ""
    while True:
        shown = answer(*call, "--format=%F|%T|%r|%N")
        lines = [line.split("|", 3) for line in (shown or "").splitlines()]
        state, reason, node = next((rest for which, *rest in lines if which == number), ("", "", ""))
        if shown is not None and state not in ("PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED"):
            return state, node
        if state == "PENDING" and reason not in (printed, "None"):
            printed = reason
            say(f"probe: job {number} waits in the queue ({reason})")
        time.sleep(1)


def _read(path: Path, seconds: float) -> str | None:
    """Return the text of a file written by another computer, once it is visible here; None if that takes too long."""
    deadline = time.monotonic() + seconds
    while True:
        if any(entry.name == path.name for entry in path.parent.iterdir()):  # reading the folder refreshes NFS's cache
            return path.read_text(errors="replace")
        if time.monotonic() > deadline:
            return None
        time.sleep(1)


def judge(node: str, said: str | None, results: Path) -> None:
    """Raise UserError when a node does not see the folder or the environment, or has other versions of packages."""
    where = f"node {node}" if node else "a node"
    if said is None:
        raise UserError(
            f"{results}: what {where} writes there is not visible here; choose a folder that all nodes share: --results"
        )
    here = {name: version(name) for name in PACKAGES}
    try:
        there = json.loads(_last(said))
    except ValueError:
        raise UserError(
            f"{where} cannot start {sys.executable}: {_last(said)}; install gancensus where all nodes see it"
        ) from None
    if there != here:
        pairs = ", ".join(f"{name} {there[name]} (here {here[name]})" for name in PACKAGES if there[name] != here[name])
        raise UserError(
            f"{where} has other versions with {sys.executable}: {pairs}; install gancensus where all see it"
        )
    say(f"probe: {where} writes into {results} and has {', '.join(f'{k} {v}' for k, v in here.items())}")
