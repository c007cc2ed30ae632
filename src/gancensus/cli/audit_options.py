"""The options of `gancensus audit`: what is asked, and what its exit status has to say."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic_core import PydanticCustomError

from gancensus import __version__
from gancensus.audit.asked import Asked
from gancensus.audit.outcome import CRITERIA, USUAL, Gate
from gancensus.cli.options import SLURM_PROFILE, Parser, cores, folder, number, path, seed
from gancensus.contracts.cells import DECLARED
from gancensus.contracts.family import suggestion
from gancensus.contracts.titles import check_title

OUT = "audit-results"
COPIES = "copies"  # the word for what is asked with --train only
RATIO = "ratio"  # the word for what --max-ratio looks at
PLACE = "file or folder, or FILE.h5::DATASET"
STATUSES = """\
exit status:
   0  nothing was found; what could not be decided is printed
   1  an error; 2  a wrong command line
   3  nothing was found, but an analysis or a figure beside the census failed
  10  something was found
  20  with --strict: nothing was found, but something could not be decided"""


def add_to(commands: Any) -> None:
    """Add the command to those of the parser."""
    words = "\n".join(f"  {word:<13} {criterion.about}" for word, criterion in CRITERIA.items())
    command = commands.add_parser(
        "audit",
        help="compare generated samples with real ones: one command, one answer",
        description="Compare generated samples with real ones. All that is not asked for is chosen from the data,\n"
        "said, and written to FOLDER/audit.yaml, which `gancensus run` runs as it stands.",
        epilog=f"what --fail-on knows:\n{words}\n  {RATIO:<13} what --max-ratio says; it counts anyway\n\n{STATUSES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_argument("--version", action="version", version=f"gancensus {__version__}")
    _add_inputs(command)
    _add_choices(command)
    _add_declared(command)
    _add_run(command)
    _add_gate(command)


def _add_inputs(command: Parser) -> None:
    command.add_argument("--real", type=place, required=True, metavar="PLACE", help=f"real samples: {PLACE}")
    command.add_argument(
        "--generated",
        nargs="+",
        action="extend",
        required=True,
        metavar="NAME=PLACE",
        help="generated samples; a name is any text, without one it is that of the file; several generators are "
        "compared with the same real samples",
    )
    command.add_argument("--train", type=place, metavar="PLACE", help="what the generators have learned from")


def _add_choices(command: Parser) -> None:
    command.add_argument("--kind", help="what the samples are, where their files do not tell")
    command.add_argument("--encoder", help="a kind of encoder, or an ONNX file")
    command.add_argument(
        "--features",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=FILE",
        help="precomputed vectors, row for row beside the samples: of real, train and each generator by its name",
    )
    command.add_argument(
        "--alpha",
        type=number(float, lambda value: 0 < value < 1, "above 0 and below 1"),
        help="share of the pairs of real samples that are duplicates; chosen by the number of samples otherwise",
    )
    command.add_argument("--seed", type=seed, default=0, help="0 by default")


def _add_declared(command: Parser) -> None:
    command.add_argument(
        "--drop", nargs="+", action="extend", default=[], metavar="COLUMN", help="leave columns out of every table"
    )
    command.add_argument(
        "--types",
        nargs="+",
        action="extend",
        default=[],
        metavar="COLUMN=TYPE",
        help=f"what columns of tables are, where their cells do not tell: {', '.join(DECLARED)}",
    )
    command.add_argument(
        "--decimal",
        choices=[".", ","],
        metavar="MARK",
        help="the decimal mark of tables, . or ,; where cells such as 1,234 do not tell",
    )
    command.add_argument(
        "--group",
        metavar="NAME",
        help="what says which real samples belong together, such as rows of one patient: a column of a table, an array "
        "of a .npz, or, of images, `folder`",
    )
    command.add_argument(
        "--same-units", action="store_true", help="all samples have one unit, though their values look otherwise"
    )
    command.add_argument(
        "--fidelity", action="store_true", help="measure FID, KID, precision, coverage ..., even where it takes long"
    )


def _add_run(command: Parser) -> None:
    command.add_argument(
        "--out", type=folder, default=Path(OUT), metavar="FOLDER", help="for the results, %(default)s by default"
    )
    command.add_argument("--cores", type=cores, default="all", help="processor cores to use, %(default)s by default")
    command.add_argument(
        "--slurm",
        type=path,
        nargs="?",
        const=SLURM_PROFILE,
        metavar="PROFILE",
        help="run on a cluster, with its profile; with the one that comes with gancensus where none is named",
    )


def _add_gate(command: Parser) -> None:
    command.add_argument("--json", action="store_true", help="print one JSON object, and all else on stderr")
    command.add_argument("--strict", action="store_true", help="exit with 20 where something could not be decided")
    command.add_argument(
        "--fail-on",
        type=criteria,
        default=USUAL,
        metavar="LIST",
        help=f"what counts as found: {','.join(USUAL)} by default",
    )
    command.add_argument(
        "--max-ratio",
        type=number(float, lambda value: 0 < value < math.inf, "above 0"),
        metavar="X",
        help="also found: duplicates are more than X times as frequent as in held-out samples, by the near end of the "
        "interval, by any definition",
    )


def settle(command: Parser, args: argparse.Namespace, rest: Sequence[str]) -> None:
    """Set `asked` and `gate` of the arguments; end with status 2 and a line where something is wrong with them."""
    try:
        _refuse(rest, [option for option in command._option_string_actions if option.startswith("--")])
        generated = by_name("--generated", args.generated)
        features = by_name("--features", args.features)
        types = of_columns(args.types)
        known = ["real", *(["train"] if args.train else []), *generated]
        if unknown := [name for name in features if name not in known]:
            hint = suggestion(unknown[0], known)
            raise argparse.ArgumentTypeError(f"--features {unknown[0]}: there are no samples of that name{hint}")
        if RATIO in args.fail_on and args.max_ratio is None:
            raise argparse.ArgumentTypeError(f"--fail-on {RATIO}: needs --max-ratio X")
        if COPIES in args.fail_on and args.fail_on is not USUAL and not args.train:
            raise argparse.ArgumentTypeError(f"--fail-on {COPIES}: needs --train PLACE; without it, nothing is found")
    except argparse.ArgumentTypeError as error:
        command.error(str(error))
    args.asked = Asked(
        args.real,
        generated,
        args.train,
        args.kind,
        args.encoder,
        features,
        args.alpha,
        args.seed,
        drop=tuple(dict.fromkeys(args.drop)),
        types=types,
        decimal=args.decimal,
        group=args.group,
        same_units=args.same_units,
        fidelity=args.fidelity,
    )
    words = tuple(word for word in args.fail_on if word != RATIO)
    args.gate = Gate(words, args.max_ratio, args.strict, () if args.train else (COPIES,))


def _refuse(rest: Sequence[str], known: Sequence[str]) -> None:
    """Raise ArgumentTypeError for words that belong to no option."""
    for word in rest:
        if not word.startswith("-"):
            raise argparse.ArgumentTypeError(f"{word}: belongs to no option; name one before it")
        name = word.partition("=")[0]
        raise argparse.ArgumentTypeError(f"{name}: no such option{suggestion(name, known)}")


def by_name(option: str, words: Iterable[str]) -> dict[str, str]:
    """Return places by name, of words NAME=PLACE; raises ArgumentTypeError where a name is repeated, or none."""
    found: dict[str, str] = {}
    for word in words:
        name, where = named(word)
        try:
            name = name.strip() if option == "--features" else check_title(name)
            where = place(where)
        except PydanticCustomError as error:
            own = ": NAME=PLACE" if where == word else ""  # the name is that of its file
            raise argparse.ArgumentTypeError(f"{option} {word!r}: the name {error.message()}{own}") from None
        except argparse.ArgumentTypeError as error:
            raise argparse.ArgumentTypeError(f"{option} {word!r}: {error}") from None
        if name in found:
            raise argparse.ArgumentTypeError(
                f"{option}: two are called '{name}'; give each a name of its own: NAME=PLACE"
            )
        found[name] = where
    return found


def of_columns(words: Iterable[str]) -> dict[str, str]:
    """Return types by column, of words COLUMN=TYPE; raises ArgumentTypeError for other words, and unknown types."""
    found: dict[str, str] = {}
    for word in words:
        column, mark, kind = word.rpartition("=")
        if not mark:
            raise argparse.ArgumentTypeError(f"--types {word!r}: write COLUMN=TYPE")
        if kind not in DECLARED:
            raise argparse.ArgumentTypeError(f"--types {word!r}: no such type{suggestion(kind, DECLARED)}")
        if found.setdefault(column, kind) != kind:
            raise argparse.ArgumentTypeError(f"--types {word!r}: column '{column}' has another type already")
    return found


def named(word: str) -> tuple[str, str]:
    """Return name and place of a word NAME=PLACE, or of a place alone.

    Both may have '=' in them: of the places that the word could end with, the longest that exists is meant.
    """
    ends = [k for k, character in enumerate(word) if character == "="]
    if ends and not _exists(word):
        end = next((k for k in ends if _exists(word[k + 1 :])), ends[0])
        return word[:end], word[end + 1 :]
    file, colons, inside = word.partition("::")
    folder = Path(file).resolve()
    name = folder.name if folder.is_dir() else folder.stem
    return f"{name}{colons}{inside}", word


def _exists(word: str) -> bool:
    """Say whether a place is there."""
    with suppress(OSError, ValueError, RuntimeError):
        return bool(word) and Path(word.partition("::")[0]).expanduser().exists()
    return False


def place(text: str) -> str:
    """Read a file or folder, or FILE::DATASET, `~` expanded; raises ArgumentTypeError."""
    file, colons, inside = text.partition("::")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"{text!r}: is not UTF-8; rename it") from None
    return f"{path(file)}{colons}{inside}"


def criteria(text: str) -> tuple[str, ...]:
    """Read a list of words with commas between them; raises ArgumentTypeError for an unknown one."""
    words = tuple(dict.fromkeys(word.strip() for word in text.split(",")))
    for word in words:
        if word not in (known := (*CRITERIA, RATIO)):
            raise argparse.ArgumentTypeError(f"{word or 'nothing'}: no such word{suggestion(word, known)}")
    return words
