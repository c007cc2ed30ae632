"""Run the workflow here or on a cluster, or show what it would run."""

from __future__ import annotations

from gancensus.cli.early import leave_when_interrupted

imported = leave_when_interrupted()

from gancensus.config.environment import isolate, nothing_compiled

isolate()  # before anything reads the shell's environment

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from gancensus import __version__
from gancensus.cli import finished, head
from gancensus.cli.arguments import FINISHED, arguments
from gancensus.cli.ending import current, write_placeholders
from gancensus.cli.head import say
from gancensus.cli.options import SLURM_PROFILE
from gancensus.cli.preflight import Profile, names_fit, preflight, probe
from gancensus.cli.printed import answers_table, census_table, inputs_text
from gancensus.cli.slurm import Queue, StuckError, Watch, forget_filters
from gancensus.cli.unseen import digest, settle
from gancensus.config import results as places
from gancensus.config.configuration import read
from gancensus.config.pipeline import located
from gancensus.contracts.errors import UserError
from gancensus.report import failures

imported()

SNAKEFILE = located("workflow/Snakefile")
PROFILE = located("workflow/profiles/default")  # absolute: Snakemake looks in the working directory first
FRUITLESS = 3  # hangs in a row without a finished job, after which a run on a cluster gives up
DRY = {"--dry-run", "--dryrun"}  # Snakemake's options with which nothing runs
FORCED = {"-F", "--forceall", "-f", "--force", "-R", "--forcerun"}  # with which it makes existing files again
BUG = 70  # exit status for an internal error, as in sysexits.h
LEAVE = 15.0  # seconds that Snakemake gets to cancel its jobs on a cluster; we cancel those that are left


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command of `arguments`; options that are not ours go to Snakemake."""
    try:
        status = work(argv)
        sys.stdout.flush()
    except UserError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        say("interrupted")
        sys.exit(128 + signal.SIGINT)
    except head.Signalled as signalled:
        sys.exit(128 + signalled.number)
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except Exception as error:
        bug(error)
    sys.exit(status)


def bug(error: Exception) -> NoReturn:
    """Report a bug of gancensus, and exit with status 70."""
    traceback.print_exception(error)
    what = f"{type(error).__name__}: {error}".strip(": ")
    say(f"bug in gancensus {__version__}: {what}; please report it with the lines above")
    sys.exit(BUG)


def work(argv: Sequence[str] | None) -> int:
    """Do what the command line says; return the exit status."""
    args, rest = arguments(argv)
    forget_filters()
    with head.signals():
        if args.command == "audit":
            return audit(args)
        if args.command in FINISHED:
            return {"verify": finished.verify, "compare": finished.compare}[args.command](args)
        args.config = config = read(args.configfile)  # once: the file may be edited while a run goes on
        place = args.results or Path(config.pathvars.results)
        results = place.resolve()
        if any(word in DRY or word.startswith("-n") for word in rest):
            args.command = "plan"
        elif "--unlock" in rest:
            args.command = "run"
        if args.command == "slurm":
            names_fit(config)
        begun = time.time()
        commands = {"run": run, "slurm": slurm, "plan": plan, "check": check, "estimate": estimate}
        status = commands[args.command](args, rest, results)
        if args.command in ("run", "slurm") and "--unlock" not in rest:
            status = print_results(args, rest, place, begun, status)
        return status


def snakemake(configfile: Path | str, place: Path | str | None) -> list[str]:
    """Return the call of Snakemake on our workflow; `place` is the results folder where that is not the file's."""
    command = [sys.executable, *head.SNAKEMAKE, "--workflow-profile", str(PROFILE)]
    if place:
        command += ["--config", f"pathvars={json.dumps({'results': str(place)})}"]
    return [*command, "--configfile", str(configfile), "--snakefile", str(SNAKEFILE)]


def check(args: argparse.Namespace, rest: Sequence[str], results: Path) -> int:
    """Read and validate every input, and list all problems; return 1 where there are some."""
    from gancensus.audit.check import check_inputs

    if rest:
        raise UserError(f"{rest[0]}: `gancensus check` reads the inputs and runs nothing; leave it out")
    for line in args.config.skipped:
        say(line)
    found = check_inputs(args.config, lambda key: say(f"reading {key}"))
    for line in found.read:
        print(f"read: {line}")
    for line in found.warnings:
        print(f"warning: {line}")
    for line in found.problems:
        print(f"error: {line}")
    count = len(found.problems)
    print(f"{count} problem{'s' * (count != 1)} found" if count else "no problems found")
    return int(count > 0)


def estimate(args: argparse.Namespace, rest: Sequence[str], results: Path) -> int:
    """Print what a run would take; return 0."""
    from gancensus.cli.estimate.costs import predict
    from gancensus.cli.estimate.jobs import groups
    from gancensus.cli.estimate.table import summary, table

    if rest:
        raise UserError(f"{rest[0]}: `gancensus estimate` runs nothing; leave it out")
    jobs, costs = predict(args.configfile, dict(args.file), SNAKEFILE)
    print("\n".join([*table(jobs, costs, groups(SLURM_PROFILE)), "", *summary(jobs, costs)]))
    return 0


def plan(args: argparse.Namespace, rest: Sequence[str], results: Path) -> int:
    """Show what would run, after checking the inputs that are quick to read; return Snakemake's exit status."""
    from gancensus.audit.check import check_inputs

    inputs = check_inputs(args.config, cheap=True)
    if inputs.problems:
        raise UserError("\n  ".join(["the inputs have problems:", *inputs.problems]))
    for line in inputs.warnings:
        say(f"warning: {line}")
    for line in inputs.unread:
        say(f"not read: {line}; `gancensus check` reads it")
    again = failures.among(results, failures.existing(results, args.config.studies))  # a run would remove these
    place = args.results or Path(args.config.pathvars.results)
    forced = ["--forcerun", *(str(place / one.file) for one in again)] if again else []
    command = [*snakemake(args.configfile, args.results), "--cores", args.cores, "--dry-run", *forced, *rest]
    return subprocess.run(command, check=False).returncode


def run(args: argparse.Namespace, rest: Sequence[str], results: Path) -> int:
    """Run everything here; return Snakemake's exit status."""
    check_writable(results)
    with head.claimed(results):
        clear(args, results)
        forget(args, rest, results)
        begun = time.time()
        command = [*snakemake(args.configfile, args.results), "--cores", args.cores, *rest]
        status = attend(command, args, results)
        return attend(command, args, results) if status and skip_killed(args, rest, begun) else status


def slurm(args: argparse.Namespace, rest: Sequence[str], results: Path, status: str | None = None) -> int:
    """Run everything on a cluster, and start again whenever Snakemake waits for something that cannot happen.

    status: what `preflight` has returned, where it was called before. Return Snakemake's exit status. Raises UserError
    when starting again does not help.
    """
    check_writable(results)
    queue, fruitless, begun, complete = Queue(results), 0, time.time(), False
    with head.claimed(results):
        profile = Profile(args.profile)
        status = status or preflight(profile)
        clear(args, results)
        forget(args, rest, results)
        probe(profile, queue, results)
        command = [*snakemake(args.configfile, args.results), "--workflow-profile", str(args.profile)]
        command += ["--executor", "slurm", "--slurm-jobname-prefix", queue.prefix, "--slurm-status-command", status]
        command += ["--slurm-logdir", str(results / "logs" / "slurm"), *rest]
        while True:
            watch = Watch(queue, args.patience)
            try:
                ended = attend(command, args, results, watch)
                if complete or ended == 0 or not skip_killed(args, rest, begun):
                    return ended
                complete = True
            except StuckError as stuck:
                if forced := next((word for word in rest if word.partition("=")[0] in FORCED), None):
                    raise UserError(f"{stuck}; start again without {forced}, which repeats everything") from None
                fruitless = 0 if watch.log.ended or stuck.kept else fruitless + 1
                if fruitless == FRUITLESS:
                    raise UserError(
                        f"{stuck}; given up after {FRUITLESS} starts that finished no job: see the logs of these jobs, "
                        "`scontrol show job` and `sacct`, or ask the administrator; the same command goes on from here"
                    ) from None
                say("starting again with what is finished")


def attend(command: Sequence[str], args: argparse.Namespace, results: Path, watch: Watch | None = None) -> int:
    """Run Snakemake to its end and return its exit status; if it is ended earlier, nothing of it is left running."""
    if nothing_compiled():
        say("compiling in the first run on this machine: it takes about a minute more than the next ones")
    now = digest(read(args.configfile))  # again, as Snakemake reads it now
    begun = head.begin(head.Begun(args.command, str(args.configfile), str(args.results or ""), str(results), now))
    process = head.start(command, results, vars(args).get("waiting"))
    try:
        status = wait(process, watch, results)
    except BaseException as why:
        end(process, why, results, LEAVE if watch else None)
        kept = 0 if isinstance(why, head.TakenError) else clear(args, results)
        if isinstance(why, StuckError):
            why.kept = kept
        raise
    if status < 0 or (status and watch):  # with status 1, too, it can have left jobs in the queue
        clear(args, results)
    else:
        head.settled(begun)
    if status < 0:
        raise UserError(f"Snakemake was ended by {signal.Signals(-status).name}; the same command goes on from here")
    return status


def end(process: subprocess.Popen[bytes], why: BaseException, results: Path, leave: float | None) -> None:
    """End a running Snakemake as the exception requires, within `leave` seconds (None: as long as it takes)."""
    match why:
        case KeyboardInterrupt():
            head.stop(process, results, terminate=False, seconds=leave)
        case head.Signalled() | head.TakenError():
            say(f"{why}: stopping the jobs")
            head.stop(process, results, terminate=True, seconds=leave or head.GRACE)
        case _:
            if isinstance(why, StuckError):
                say(f"no job can make progress: {why}")
            head.kill(process)


def clear(args: argparse.Namespace, results: Path) -> int:
    """Remove what dead heads of these results left: processes here, jobs, the lock, files of unknown origin.

    Also what they had begun with other configurations. Return the number of files that jobs on the cluster had finished
    without their head, and that were kept.
    """
    claim, interrupt, kept = head.last_claim(head.claim_of(results)), signal.getsignal(signal.SIGINT), 0
    begun = claim.begun if claim else ()
    if begun:  # else nothing is lost by an interrupt, which must not be lost either
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    head.end_steps(results)  # before the jobs: an sbatch could submit another one
    if "slurm" in (args.command, *(one.command for one in begun)):
        Queue(results).cancel()
    if begun:  # else a lock is of a plain Snakemake, which may run on another computer
        head.unlock(results)
    for one in begun:
        found = account(one, begun) if one.command == "slurm" else 0
        if found is not None:
            kept += found
            head.settled(one)
    signal.signal(signal.SIGINT, interrupt)
    return kept


def account(one: head.Begun, begun: Sequence[head.Begun]) -> int | None:
    """Record or remove what the jobs of a command finished without their head; return as `settle` does.

    Files are kept where everything begun there had the configuration and code that its file has now.
    """
    try:
        config = read(Path(one.configfile))
    except UserError:
        return None
    if str(Path(one.place or config.pathvars.results).resolve()) != one.results:  # its file names another folder by now
        return None
    same = {other.digest for other in begun} == {digest(config)}
    return settle(snakemake(one.configfile, one.place), one.time, same)


def wait(process: subprocess.Popen[bytes], watch: Watch | None, results: Path) -> int:
    """Wait for the end of Snakemake; raises StuckError where a watch says so, TakenError after a takeover."""
    while True:
        try:
            return process.wait(watch.period if watch else head.BEAT)
        except subprocess.TimeoutExpired:
            if head.taken(results):
                raise head.TakenError(f"another run has taken over {results}: this one gave no sign of life") from None
            if watch:
                watch.look(process)


def forget(args: argparse.Namespace, rest: Sequence[str], results: Path) -> None:
    """Have Snakemake try again what failed in an earlier run."""
    if "--unlock" not in rest:
        failures.forget(results, args.config.studies)


def skip_killed(args: argparse.Namespace, rest: Sequence[str], begun: float) -> bool:
    """Write placeholders if only analyses and figures were killed; say whether Snakemake can now make the rest."""
    if rest:  # Snakemake's own options may ask for less
        return False
    place = args.results or Path(args.config.pathvars.results)
    try:
        killed = write_placeholders(snakemake(args.configfile, args.results), place, args.config.studies, begun)
    except UserError as error:  # a full disk: the results that exist are still printed
        say(f"error: {error}")
        return False
    if killed:
        say(f"killed: {killed} of the jobs of analyses and figures; the report is made without them")
    return killed > 0


def audit(args: argparse.Namespace) -> int:
    """Compare the user's samples: choose a configuration, run it, say what it comes to; return the exit status.

    That is the run's where it failed, and else what `outcome.status` says. Nothing is printed on stdout as JSON where
    there is no census.
    """
    from gancensus.audit.outcome import status
    from gancensus.cli.auditing import Audit, prepare, standard_output

    out = args.out.resolve()
    check_writable(out, "--out")
    head.refuse_second(out)
    slurm_status = preflight(Profile(args.slurm)) if args.slurm else None  # before the samples are read
    with standard_output(args.json) as stdout, head.ahead(out) as waiting:
        file = prepare(args.asked, out)
        words = ["slurm", "--profile", str(args.slurm)] if args.slurm else ["run", "--cores", args.cores]
        run_args, _ = arguments([*words, "--configfile", str(file)])
        run_args.waiting, run_args.config = waiting, (config := read(file))
        if args.slurm:
            names_fit(config)
        ended = slurm(run_args, [], out, slurm_status) if args.slurm else run(run_args, [], out)
        done = ended == 0 or current(snakemake(file, None), out / places.CENSUS)
        if not done:
            return ended
        audited, failed = Audit(config, out), failures.among(out, failures.existing(out, config.studies))
        code = ended or status(audited.outcomes, args.gate, complete=not failed)
        print(audited.json(args.gate, code) if args.json else audited.text(args.gate), file=stdout, flush=True)
        print_failed(failed, args.out)
        return code


def print_results(args: argparse.Namespace, rest: Sequence[str], place: Path, begun: float, status: int) -> int:
    """Print the census, where the page is and what failed beside them; return the exit status of the run."""
    results, studies = place.resolve(), args.config.studies
    census, page = results / places.CENSUS, results / places.REPORT
    if not rest:  # Snakemake's own options may ask for less
        if status == 0 or current(snakemake(args.configfile, args.results), place / census.name):
            titles = {name: study.titles for name, study in studies.items()}
            print(census_table(census, titles))
            print(f"\n{answers_table(results / places.ANSWERED, titles)}")
            print(inputs_text(results / places.INPUTS, titles))
        if status == 0 or (page.is_file() and page.stat().st_mtime >= begun):
            print(f"\nreport: {place / page.name}", flush=True)
    failed = failures.among(results, failures.existing(results, studies))
    print_failed(failed, place)
    return status or (failures.STATUS if failed else 0)


def print_failed(failed: Sequence[failures.Failed], place: Path) -> None:
    """Say which tables of analyses and figures could not be made; place: the results folder as given to the command."""
    if failed:
        say("\nsomething besides the census could not be made; the same command tries again:")
    for one in failed:
        say(f"  {one.study and f'{one.study}: '}{one.sentence}\n    log  {place / one.log}")


def check_writable(results: Path, option: str = "--results") -> None:
    """Raise UserError when the results folder, or the one that it would be made in, cannot be written to."""
    place = next(path for path in (results.absolute(), *results.absolute().parents) if path.exists())
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise UserError(f"{place}: the results cannot be written there; choose another folder: {option} FOLDER")
