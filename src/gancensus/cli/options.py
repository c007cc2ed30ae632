"""What is on a command line: the values of our options, and Snakemake's options, files to make, a configuration."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, TypeVar

from pydantic_core import PydanticCustomError

from gancensus.config.configuration import results_folder
from gancensus.config.pipeline import located
from gancensus.config.yaml_tree import clipped
from gancensus.contracts.errors import UserError
from gancensus.contracts.family import expanded

SLURM_PROFILE = located("workflow/profiles/slurm")
YAML = (".yaml", ".yml")  # no file that a run makes ends like this
Number = TypeVar("Number", int, float)


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Print the message and exit."""
        if found := re.fullmatch(r"argument (--[\w-]+): expected (one|at least one) argument", message):
            message += f"; write one that begins with '-' after '=': {found[1]}=-..."
        self.exit(2, f"error: {message}; see {self.prog} --help\n")


def number(kind: type[Number], fits: Callable[[Number], bool], what: str) -> Callable[[str], Number]:
    """Return a reader of numbers, which raises ArgumentTypeError for any other."""

    def read(text: str) -> Number:
        with suppress(ValueError):
            if fits(value := kind(text)):
                return value
        raise argparse.ArgumentTypeError(f"{text or 'nothing'}: give a number {what}")

    return read


seed = number(int, lambda value: value >= 0, "of at least 0, without decimals")


def path(text: str) -> Path:
    """Read the path of an option, `~` expanded, but for that of ./~; raises ArgumentTypeError."""
    if not text:
        raise argparse.ArgumentTypeError("is empty")
    try:
        return Path(text).absolute() if text.startswith("./~") else expanded(Path(text))
    except PydanticCustomError as error:
        raise argparse.ArgumentTypeError(error.message()) from None


def folder(text: str) -> Path:
    """Read the results folder of an option; raises ArgumentTypeError."""
    try:
        return results_folder(str(path(text)))
    except PydanticCustomError as error:
        raise argparse.ArgumentTypeError(f"{clipped(text)}: {error.message()}") from None


def cores(text: str) -> str:
    """Check a number of processor cores; raises ArgumentTypeError."""
    if text != "all" and not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text or 'nothing'}: give a number of at least 1, or all")
    return text


def sort_out(words: Sequence[str], ours: Iterable[str], command: str) -> tuple[list[Path], list[str]]:
    """Return the configuration files among the words that are not ours, and the words for Snakemake.

    `ours` are the options of the command. Raises UserError for an option that neither has, and for a value that
    Snakemake does not take.
    """
    if not words:
        return [], []
    from snakemake.exceptions import CliException, WorkflowError  # slow to import

    parser = _snakemake()
    theirs = parser._option_string_actions
    files: list[Path] = []
    rest: list[str] = []
    for word, before in zip(words, ["", *words[:-1]], strict=True):
        taken = theirs[before].nargs in (None, "?") if before in theirs else False  # as the value of an option
        named = not word.startswith("-") and not taken
        if named and (word.lower().endswith(YAML) or command in ("check", "estimate")):
            files.append(Path(word).expanduser())
        elif named and not rest and Path(word).is_dir():  # after an option it may be one of its values
            raise UserError(f"{word}: is a folder, not a configuration file")
        else:
            rest.append(word)
    for word in rest[: rest.index("--") if "--" in rest else None]:
        _check_known(word, [*ours, *theirs], command)
    try:
        parser.parse_known_args(rest)
    except argparse.ArgumentError as error:
        raise UserError(f"{error}; see snakemake --help") from None
    except (ValueError, WorkflowError, CliException) as error:  # what the readers of Snakemake's values raise
        raise UserError(clipped(error, 300)) from None
    return files, rest


def _snakemake() -> argparse.ArgumentParser:
    """Return Snakemake's parser, which raises ArgumentError."""
    from snakemake.cli import get_argument_parser

    def error(message: str) -> NoReturn:
        raise argparse.ArgumentError(None, message)

    parser: argparse.ArgumentParser = get_argument_parser()
    parser.allow_abbrev = False
    parser.error = error  # type: ignore[method-assign]
    return parser


def _check_known(word: str, known: Sequence[str], command: str) -> None:
    """Raise UserError for an unknown option; `-j4` and `-np` begin with one of Snakemake's."""
    name = word.partition("=")[0]
    if not word.startswith("-") or word == "-" or name in known or (word[1] != "-" and word[:2] in known):
        return
    if word[1:].replace(".", "", 1).isdecimal():  # a number
        return
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
    hint = f"did you mean {close[0]}?" if close else f"see gancensus {command} --help, snakemake --help"
    raise UserError(f"{name}: no such option; {hint}")
