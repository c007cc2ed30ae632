"""`gancensus audit`, before and after the run: from what is asked to a configuration, and from tables to an answer."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import yaml

from gancensus import __version__
from gancensus.audit.asked import STUDY, Asked
from gancensus.audit.outcome import Gate, Outcome, as_json, counts, outcomes
from gancensus.audit.terms import KEY, as_options
from gancensus.cli.audit_printed import summary
from gancensus.cli.head import say
from gancensus.config import results as places
from gancensus.config.configuration import Config, load
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import REFERENCE
from gancensus.plotting.numbers import Row
from gancensus.report import inputs
from gancensus.storage.tables import read_table, write_bytes

FILE = "audit.yaml"
MADE = "# What `gancensus audit` has chosen"  # how its first line begins
CONTENT = "# sha256 of what follows: "  # how the last line of its head begins
FILES = {
    "report": places.REPORT,
    "duplicates": places.at(places.DUPLICATES_LIST, study=STUDY),
    "configuration": FILE,
}
THRESHOLD = ("metric", "scale", "alpha", "threshold")  # columns of the table of thresholds


@contextmanager
def standard_output(kept: bool) -> Iterator[TextIO]:
    """Yield stdout; where it is `kept` for what is written there, all else goes to stderr, of other processes, too."""
    if not kept:
        yield sys.stdout
        return
    sys.stdout.flush()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)
        try:
            yield out
        finally:
            sys.stdout.flush()
            os.dup2(out.fileno(), 1)


def prepare(asked: Asked, out: Path) -> Path:
    """Choose what is run, say so, check all inputs and write the configuration; return its file.

    out: the folder for the results, absolute. The configuration is written only where it changes, so that the same
    audit again runs nothing again.

    Raises UserError where the folder is not one for results, and with all problems of the inputs. Where a key would
    solve one, the configuration is written all the same: to be copied.
    """
    from gancensus.audit.check import check_inputs
    from gancensus.audit.choose import choose

    file = out / FILE
    _check_apart(asked, out)
    before = _written_by_us(file)
    try:
        chosen = choose(asked)
    except UserError as error:
        raise UserError(as_options(str(error))) from None
    for line in chosen.said:
        print(as_options(line), flush=True)
    raw = {**chosen.configuration, "pathvars": {"results": str(out)}}
    config = load(raw)
    content = _content(asked, out, raw)
    found = check_inputs(
        config,
        lambda key: say(f"reading {_asked_for(key, config)}"),
        cheap=content == before and (out / STUDY).exists(),
    )
    problems, warnings = ([_asked_for(line, config) for line in lines] for lines in (found.problems, found.warnings))
    keys = any(KEY.search(line) for line in problems)
    for line in warnings:
        say(f"warning: {line}")
    if content != before and (keys or not problems):
        write_bytes(file, content.encode())
    if problems:
        where = (
            [f"what is in `...` are keys: write them into a copy of {file}, and `gancensus run` that"] if keys else []
        )
        raise UserError("\n  ".join(["the inputs have problems:", *problems, *where]))
    return file


def _written_by_us(file: Path) -> str | None:
    """Return the configuration that an earlier audit has left in its folder; None where the folder is empty.

    Raises UserError where the folder holds anything else, and where somebody has edited the configuration.
    """
    try:
        held = sorted(path.name for path in file.parent.iterdir() if not path.name.startswith("."))
        content = file.read_text(encoding="utf-8") if FILE in held else ""
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{file}: {getattr(error, 'strerror', None) or error}; choose another folder: --out FOLDER"
        ) from None
    if held and not content.startswith(MADE):
        raise UserError(f"{file.parent}: holds {held[0]}, which no audit has made; choose another folder: --out FOLDER")
    digest, _, body = content.partition(CONTENT)[2].partition("\n")
    if held and digest != _digest(body):
        raise UserError(
            f"{file}: somebody has edited it; run it as it is with `gancensus run {shlex.quote(str(file))}`, or choose "
            "another folder for this audit: --out FOLDER"
        )
    return content or None


def _check_apart(asked: Asked, out: Path) -> None:
    """Raise UserError where results would lie among the samples, and be read with them."""
    options = {"--real": asked.real, "--train": asked.train} | {
        f"--generated {k}": v for k, v in asked.generated.items()
    }
    for option, place in options.items():
        if place is not None and (folder := Path(place).resolve()).is_dir() and out.is_relative_to(folder):
            raise UserError(
                f"{out}: lies in the folder of {option}, whose files are read as samples; choose another: --out FOLDER"
            )


def _content(asked: Asked, out: Path, raw: Mapping[str, Any]) -> str:
    """Return the configuration as text, under a head that says where it comes from."""
    body = yaml.safe_dump(raw, sort_keys=False, allow_unicode=True, width=120)
    return (
        f"{MADE}, version {__version__}, for\n"
        f"#   {' '.join(shlex.join(_command(asked, out)).splitlines())}\n"
        f"# `gancensus run {shlex.quote(str(out / FILE))}` runs it as it stands. Copy it to change it.\n"
        f"{CONTENT}{_digest(body)}\n{body}"
    )


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def _command(asked: Asked, out: Path) -> list[str]:
    """Return the call of an audit, without what changes no result."""
    given: dict[str, object] = {"--train": asked.train, "--kind": asked.kind, "--encoder": asked.encoder}
    given |= {"--alpha": asked.alpha, "--seed": asked.seed or None, "--decimal": asked.decimal}
    given |= {"--group": asked.group, "--out": out}
    return [
        *("gancensus", "audit", *_words("--real", asked.real)),
        *_words("--generated", *(f"{name}={place}" for name, place in asked.generated.items())),
        *_words("--features", *(f"{name}={file}" for name, file in asked.features.items())),
        *(f"--drop={column}" for column in asked.drop),
        *(f"--types={column}={kind}" for column, kind in asked.types.items()),
        *(["--same-units"] if asked.same_units else []),
        *(["--fidelity"] if asked.fidelity else []),
        *(word for option, value in given.items() if value is not None for word in _words(option, str(value))),
    ]


def _words(option: str, *values: str) -> list[str]:
    """Return an option with its values; each after '=' where one of them begins like an option."""
    if any(value.startswith("-") for value in values):
        return [f"{option}={value}" for value in values]
    return [option, *values] if values else []


def _asked_for(line: str, config: Config) -> str:
    """Return a line about an input, in which it and what may be declared are named by options instead of keys."""
    study = config.studies[STUDY]
    options = {f"studies.{STUDY}.source": "--real", f"studies.{STUDY}.trained_on": "--train"}
    options |= {f"studies.{STUDY}.generators.{k}": f"--generated {g.title or k}" for k, g in study.generators.items()}
    options |= {
        f"studies.{STUDY}.encoders.{k}": "--features" if e.kind == "vectors" else f"--encoder {k}"
        for k, e in study.encoders.items()
    }
    key = next((key for key in options if line == key or line.startswith((f"{key}:", f"{key}."))), "")
    return as_options(f"{options[key]}{line[len(key) :]}" if key else line)


class Audit:
    """The results of an audit that has run."""

    def __init__(self, config: Config, folder: Path) -> None:
        """Read what the audit comes to; folder: of the results."""
        study = config.studies[STUDY]
        support, answers, scales = (
            read_table(folder / places.at(place, study=STUDY)).to_pylist()
            for place in (places.SUPPORT, places.SUMMARY, places.SCALES)
        )
        titles = {population: study.titles.get(population, population) for population in study.generated}
        self.outcomes: list[Outcome] = outcomes(
            [row | {"names": as_options(row["names"] or "")} for row in answers], support, titles, scales=scales
        )
        self.reference: dict[str, Row] = {row["definition"]: row for row in support if row["population"] == REFERENCE}
        self.reference_scales = [row for row in scales if row["population"] == REFERENCE and row["scale"] is not None]
        noted = inputs.titled(read_table(folder / places.INPUTS).to_pylist(), titles)
        self.noted = [row | {"note": as_options(row["note"])} for row in noted]
        self.thresholds: dict[str, list[Row]] = {
            name: read_table(folder / places.at(places.THRESHOLDS, study=STUDY, definition=name)).to_pylist()
            for name in study.definitions
        }
        self.files = {name: path for name, file in FILES.items() if (path := folder / file).is_file()}

    def text(self, gate: Gate) -> str:
        """Return the table and what it says, notes about the inputs, and where to read on."""
        warnings = [f"warning: {line}" for line in inputs.warnings(self.noted)]
        lines = [f"  {line}" for line in inputs.lines(self.noted)]
        notes = [*warnings, *(["read:", *lines] if lines else [])]
        paths = [f"{name}: {file}" for name, file in self.files.items()]
        parts = [summary(self.outcomes, self.reference, gate), "\n".join(notes), "\n".join(paths)]
        return "\n" + "\n\n".join(filter(None, parts))

    def json(self, gate: Gate, status: int) -> str:
        """Return one JSON object: numbers are finite or null, paths absolute, all characters ASCII.

        Its keys: `version` (of gancensus), `status` (the exit status), `report`, `duplicates` and `configuration`
        (files; null where one could not be made), `generators` (a list; `outcome.as_json` says of what),
        `definitions` (by name: `thresholds`, a list of metric, alpha and threshold, and where there are several scales,
        scale; `holdout`, what was counted in held-out real samples, as that of a generator), `warnings` (sentences
        about the inputs).
        """
        found = {
            "version": __version__,
            "status": status,
            **{name: str(self.files[name]) if name in self.files else None for name in FILES},
            "generators": [as_json(outcome, gate) for outcome in self.outcomes],
            "definitions": {
                name: {
                    "thresholds": [{key: row[key] for key in THRESHOLD if key in row} for row in self.thresholds[name]],
                    "holdout": counts(row, self.reference_scales),
                }
                for name, row in self.reference.items()
            },
            "warnings": inputs.warnings(self.noted),
        }
        return json.dumps(found, indent=2, allow_nan=False)
