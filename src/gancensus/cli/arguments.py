"""Compare your own samples with real ones, run the workflow here or on a cluster, or show what it would run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from gancensus import __version__
from gancensus.cli import audit_options
from gancensus.cli.options import SLURM_PROFILE, YAML, Parser, cores, folder, path, seed, sort_out
from gancensus.cli.slurm import PATIENCE
from gancensus.contracts.errors import UserError
from gancensus.contracts.family import suggestion

CONFIGFILE = Path("config/config.yaml")  # if none is named
FINISHED = ("verify", "compare")  # commands that read the results of runs, and no configuration


def arguments(argv: Sequence[str] | None) -> tuple[argparse.Namespace, list[str]]:
    """Return our options and Snakemake's; raises UserError for what is neither."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser, commands = parsers()
    if not words:
        parser.print_help(sys.stderr)
        parser.exit(2)
    check_command(words[0], list(commands))
    args, rest = parser.parse_known_args(words)
    if args.command == "audit":
        audit_options.settle(commands["audit"], args, rest)
        return args, []
    if args.command in FINISHED:
        if rest:
            raise UserError(f"{rest[0]}: no such option; see gancensus {args.command} --help")
        return args, rest
    refuse(rest)
    ours = list(commands[args.command]._option_string_actions)
    files, rest = sort_out(rest, ours, args.command)
    args.configfile = the_one([*(args.configfile or []), *files])
    if args.command == "slurm" and not args.patience > 0:
        parser.error(f"--patience {args.patience:g}: give a number of seconds above 0")
    return args, rest


def parsers() -> tuple[Parser, dict[str, Parser]]:
    """Return the parser of the command line, and that of each command."""
    common = Parser(add_help=False, allow_abbrev=False)
    common.add_argument(
        "--configfile", type=path, action="append", help=f"the study; `--configfile` may be omitted; else {CONFIGFILE}"
    )
    common.add_argument("--results", type=folder, help="the folder that everything is written to")
    parser = Parser(
        prog="gancensus",
        description=__doc__,
        allow_abbrev=False,
        epilog="examples: gancensus audit --real data/real --generated mine=out/a, gancensus run study.yaml",
    )
    for each in (parser, common):
        each.add_argument("--version", action="version", version=f"gancensus {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    audit_options.add_to(commands)
    more = "Snakemake's options may follow, such as --forcerun RULE, and result files to make."
    for name, text in (("run", "run everything here"), ("plan", "show what would run and why")):
        command = commands.add_parser(name, help=text, epilog=more, parents=[common], allow_abbrev=False)
        command.add_argument(
            "--cores", type=cores, default="all", help="processor cores to use, %(default)s by default"
        )
    what = "read and validate every input, list all problems, run nothing"
    commands.add_parser("check", help=what, parents=[common], allow_abbrev=False)
    what = "estimate jobs, bytes, time and memory, rule by rule, run nothing"
    command = commands.add_parser("estimate", help=what, parents=[common], allow_abbrev=False)
    command.add_argument(
        "--file",
        type=absent_file,
        action="append",
        default=[],
        metavar="PATH=SHAPE",
        help="the shape of a file that does not exist yet, like data/x.npy=1000000x51x51x25; may be repeated",
    )
    command = commands.add_parser(
        "slurm", help="run everything on a cluster", epilog=more, parents=[common], allow_abbrev=False
    )
    command.set_defaults(cores="all")
    command.add_argument(
        "--profile",
        type=path,
        default=SLURM_PROFILE,
        help="the profile of the cluster, %(default)s by default",
    )
    command.add_argument(
        "--patience",
        type=float,
        default=PATIENCE,
        help="seconds without progress that count as a hang, %(default)s by default",
    )
    add_finished(commands)
    return parser, dict(commands.choices)


def add_finished(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add the commands that read the results of runs."""
    what = "check every file of a results folder against its digest, and compute a random part of the pairs again"
    command = commands.add_parser("verify", help=what, description=f"{what}.".capitalize(), allow_abbrev=False)
    command.add_argument("run", type=path, metavar="RUN", help="the results folder")
    text = "chooses the pairs that are computed again; by default the clock does, and the output says which it was"
    command.add_argument("--seed", type=seed, default=None, help=text)
    what = "show what has changed between the results of two runs, with intervals"
    command = commands.add_parser("compare", help=what, description=f"{what}.".capitalize(), allow_abbrev=False)
    command.add_argument("before", type=path, metavar="RUN", help="the results folder of the first run")
    command.add_argument("after", type=path, metavar="RUN", help="that of the second")
    command.add_argument("--json", action="store_true", help="print JSON instead of tables")


def check_command(word: str, commands: Sequence[str]) -> None:
    """Raise UserError where the command line does not begin with a command."""
    if word.lower().endswith(YAML):
        raise UserError(f"{word}: the command comes first: gancensus run {word}")
    if word.startswith("-") and word not in ("-h", "--help", "--version"):
        raise UserError(f"{word}: the command comes first: gancensus run {word} ...")
    if not word.startswith("-") and word not in commands:
        raise UserError(f"{word}: no such command{suggestion(word, commands)}")


def absent_file(text: str) -> tuple[str, tuple[int, ...]]:
    """Read PATH=NxAxB, a file that does not exist yet and the shape of its samples; raises ArgumentTypeError."""
    path, _, shape = text.rpartition("=")
    try:
        return path, tuple(int(length) for length in shape.split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: should be like data/x.npy=1000000x51x51x25") from None


def the_one(files: Sequence[Path]) -> Path:
    """Return the configuration that is named, or the default; raises UserError where several are named."""
    named = list(dict.fromkeys(files))
    if len(named) > 1:
        raise UserError(f"{', '.join(map(str, named))}: a run has one configuration; name one of them")
    if not named and not CONFIGFILE.exists():
        raise UserError(f"{CONFIGFILE}: no such configuration file; name yours: gancensus run study.yaml")
    return named[0] if named else CONFIGFILE


def refuse(rest: Sequence[str]) -> None:
    """Raise UserError for those of Snakemake's options that would override ours."""
    for word in rest:
        option = word.partition("=")[0]
        if option in ("--config", "--configfiles") or word.startswith("-C"):
            raise UserError(
                f"{option}: Snakemake takes one of these, and we set it; put it into the configuration file"
            )
        if option == "--slurm-jobname-prefix":
            raise UserError(f"{option}: gancensus finds its jobs by a name that it sets itself; leave it out")
