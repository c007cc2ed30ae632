"""`gancensus.audit`: arrays in, a result object out."""

from __future__ import annotations

import html
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gancensus.audit.asked import STUDY, Asked, Chosen
from gancensus.audit.choose import choose
from gancensus.audit.given import as_file
from gancensus.audit.memory import Run, renamed, run_study
from gancensus.audit.outcome import Outcome, outcomes
from gancensus.audit.parts import Duplicates
from gancensus.audit.terms import KEY, as_arguments
from gancensus.config import results
from gancensus.config.configuration import Study, check_files, load
from gancensus.contracts.errors import UserError
from gancensus.contracts.family import suggestion
from gancensus.contracts.samples import ROWS_PER_POPULATION
from gancensus.plotting import numbers
from gancensus.report import failures, inputs, sentences
from gancensus.search.duplicates import at_scale
from gancensus.storage.tables import about_table, columns_in

if TYPE_CHECKING:
    import pandas

Samples = Any
"""(n, ...) samples: an array of NumPy or JAX, a tensor of PyTorch on any device, a table of pandas, polars or Arrow, a
list of images of Pillow; or the path of a file or folder, as `gancensus audit` takes it."""

KEYS = "\nwhat is in `...` are keys of a configuration, which `gancensus audit` writes for samples in files"
HEADS = {"diverse": "diverse", "on": "on the data", "covers": "covers the data", "copies": "copies train"}


def audit(
    real: Samples,
    generated: Mapping[str, Samples] | Samples,
    train: Samples | None = None,
    *,
    kind: str | None = None,
    encoder: str | PathLike[str] | None = None,
    features: Mapping[str, Samples] | None = None,
    alpha: float | None = None,
    seed: int = 0,
    drop: Sequence[str] | str = (),
    types: Mapping[str, str] | None = None,
    decimal: str | None = None,
    group: str | None = None,
    same_units: bool = False,
    fidelity: bool = False,
) -> Audit:
    """Say of generated samples whether they are diverse, on the data, cover it, and copy; as `gancensus audit` does.

    The numbers are those of the command on the same samples in files, to the last bit, with all cores of the
    processor. Nothing that is given is changed, and no file is left behind.

    Args:
        real: real samples (n, ...) that no generator has learned from, unless it has learned from `train`.
        generated: samples (m, ...) by the name of their generator, which is any text; or of one generator.
        train: what the generators have learned from; without it, copies cannot be looked for.
        kind: what the samples are, where their values do not tell: images, tables, showers, jets or numbers.
        encoder: a kind of encoder, or the file of one (.onnx).
        features: vectors (n, d) in the order of the samples: of `real`, `train` and the generators by name.
        alpha: share of the pairs of real samples that count as near-duplicates; chosen from their number by default.
        seed: of all random numbers.
        drop: columns that are left out of every table that has them.
        types: of columns of the real table: continuous, integer, nominal, binary, date, day-first or month-first.
        decimal: the decimal mark of real cells that do not show it: . or ,
        group: what says which real samples belong together: a column of a table, or `folder` of a folder of images.
        same_units: that all samples are in the units of the real ones, where their values look as if they were not.
        fidelity: that FID and its kin are measured, even where it takes more than a few seconds.

    Raises:
        UserError: what is wrong with the samples, in a line.
    """
    made = generated if isinstance(generated, Mapping) else {"generated": generated}
    _check(real, made, train, alpha, seed)
    _check_choices(encoder, features, types, {"same_units": same_units, "fidelity": fidelity})
    with tempfile.TemporaryDirectory(prefix="gancensus-") as temporary:
        files = _Files(Path(temporary))
        try:
            asked = Asked(
                files.place(real, "real"),
                {str(name): files.place(samples, f"generated['{name}']") for name, samples in made.items()},
                None if train is None else files.place(train, "train"),
                kind,
                None if encoder is None else str(encoder),
                {name: files.place(vectors, f"features['{name}']") for name, vectors in (features or {}).items()},
                None if alpha is None else float(alpha),
                int(seed),
                drop=tuple(map(str, [drop] if isinstance(drop, str) or not isinstance(drop, Iterable) else drop)),
                types={str(column): kind for column, kind in (types or {}).items()},
                decimal=decimal,
                group=None if group is None else str(group),
                same_units=bool(same_units),
                fidelity=bool(fidelity),
            )
            chosen = choose(asked)
            config = load(chosen.configuration)
            check_files(config)
            files.populations = _populations(config.studies[STUDY], made)
            run = run_study(config, STUDY, files.called)
        except UserError as error:
            raise UserError(files.problem(str(error))) from None
    titles = dict(zip(run.study.generated, asked.generated, strict=True))
    configuration = renamed(chosen.configuration, files.called)
    return Audit(run, titles, Chosen(configuration, [files.said(line) for line in chosen.said]))


def _check(real: Samples, made: Mapping[Any, Samples], train: Samples | None, alpha: Any, seed: Any) -> None:
    """Raise UserError for what files could not be, or would be called by the names of options and keys."""
    if not made:
        raise UserError("generated: no generator is given; give samples by the name of their generator")
    if not all(str(name).strip() for name in made):
        raise UserError("generated: a generator has no name; give samples by the name of their generator")
    if len({str(name) for name in made}) < len(made):
        raise UserError("generated: two generators have one name, as texts; give each its own")
    if train is not None and train is real:
        raise UserError(
            "train: is the same as real; whether training samples are copied shows only beside real ones that the "
            "generator has not learned from"
        )
    if alpha is not None and not (isinstance(alpha, Real) and 0 < float(alpha) < 1):
        raise UserError(f"alpha: {alpha!r}; give a share of pairs, between 0 and 1")
    if not (isinstance(seed, Integral) and int(seed) >= 0):
        raise UserError(f"seed: {seed!r}; give a whole number, 0 or more")


def _check_choices(encoder: Any, features: Any, types: Any, switches: Mapping[str, Any]) -> None:
    """Raise UserError for arguments of another type than they have, from which a wrong choice could be read."""
    if encoder is not None and not isinstance(encoder, str | PathLike):
        raise UserError(f"encoder: {encoder!r}; give a kind of encoder, or the file of one (.onnx)")
    if features is not None and not isinstance(features, Mapping):
        raise UserError(f"features: {type(features).__name__}; give the vectors of real and each generator by its name")
    if types is not None and not isinstance(types, Mapping):
        raise UserError(f"types: {types!r}; give the type of each column by its name: {{'day': 'date'}}")
    for name, value in switches.items():
        if value not in (True, False):
            raise UserError(f"{name}: {value!r}; give True or False")


def _populations(study: Study, made: Mapping[Any, Samples]) -> dict[str, str]:
    """Return the names of the arguments that the populations of a study come from."""
    real = {population: "train" if population in study.given else "real" for population in study.real}
    return real | dict(zip(study.generated, (f"generated['{name}']" for name in made), strict=True))


class _Files:
    """Files of what is given, in a temporary folder, and what their user calls them."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._names = folder, dict[str, str]()
        self.populations: Mapping[str, str] = {}
        """The names of the arguments that populations come from, once these are known."""

    def place(self, value: Samples, name: str) -> str:
        """Return the file or folder of some samples."""
        found = as_file(value, name, self._folder / f"{len(self._names):06}")  # none begins another
        if not isinstance(value, str | PathLike):
            self._names[found] = name
        return found

    def called(self, text: str) -> str:
        """Return a text with the users' names in the place of temporary files."""
        for path, name in self._names.items():
            text = text.replace(path, name)
        return text

    def problem(self, text: str) -> str:
        """Return a message of an error in the terms of Python."""
        text = self.said(text)
        for population, name in self.populations.items():
            text = re.sub(rf"^samples/{re.escape(population)}: ", f"{name}: ", text, flags=re.MULTILINE)
        if KEY.search(text):
            text += KEYS
        return text

    def said(self, text: str) -> str:
        """Return a message of the command in the terms of Python: names of arguments for options, and each once."""
        text = as_arguments(self.called(text))
        for name in self._names.values():
            role = "|".join(re.escape(one) for one in (name, *re.findall(r"\['(.*)'\]$", name)))
            text = re.sub(rf"^(features of )?({role}): (?={re.escape(name)}: )", "", text, flags=re.MULTILINE)
            text = text.removesuffix(f", from {name}")
        return text


class Audit(Mapping[str, Outcome]):
    """What an audit has found: a mapping from the names of the generators to what was found out about each."""

    def __init__(self, run: Run, titles: Mapping[str, str], chosen: Chosen) -> None:
        """titles: what the user calls each generated population; chosen: with the user's names of files."""
        self._run, self._populations = run, {title: population for population, title in titles.items()}
        self.said = chosen.said
        """What the samples were taken for, and what was chosen: a line each."""
        self.configuration = chosen.configuration
        """What was run: with the samples in files, and their paths in it, `gancensus run` makes the same tables."""
        answers = [row | {"names": as_arguments(row["names"] or "")} for row in self._rows(results.SUMMARY)]
        support, copies, scales = map(self._rows, (results.SUPPORT, results.COPIES, results.SCALES))
        found = outcomes(answers, support, titles, copies, scales)
        self._outcomes = {one.title: one for one in found}

    def __getitem__(self, name: str) -> Outcome:
        """Return what was found out about a generator."""
        return self._outcomes[self._known(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._outcomes)

    def __len__(self) -> int:
        return len(self._outcomes)

    def _known(self, name: str) -> str:
        if name not in self._populations:
            raise KeyError(f"no generator '{name}'{suggestion(name, self._populations)}")
        return name

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A row for each generator: the ratio of collisions, the support size, and the four answers."""
        return [
            {
                "generator": name,
                **dict(zip(("ratio", "ratio_low", "ratio_high"), (one.ratio, one.low, one.high), strict=True)),
                "support": one.support,
                "support_low": one.main["effective_support_low"],
                "support_high": one.main["effective_support_high"],
                **{question: sentences.word(one.answers.get(question)) for question in HEADS},
                "samples": one.main["samples"],
                "duplicates": one.main["duplicates"],
            }
            for name, one in self.items()
        ]

    @property
    def table(self) -> pandas.DataFrame:
        """`rows` as a DataFrame, by generator. Raises UserError where pandas is not installed."""
        try:
            import pandas
        except ImportError:
            raise UserError("`table` needs pandas (pip install pandas); `rows` has the same as a list") from None
        return pandas.DataFrame(self.rows).set_index("generator")

    @cached_property
    def tables(self) -> Mapping[str, pa.Table]:
        """Every table, by where the command would write it in its folder of results."""
        return {**self._run.tables, **{place: rows.table for place, rows in self._run.held.items()}}

    @property
    def failed(self) -> list[str]:
        """What could not be measured, and why."""
        return [failures.Failed.of(place, reason).sentence for place, reason in self._run.failed.items()]

    @property
    def warnings(self) -> list[str]:
        """What may make the numbers wrong, such as units that seem to differ: a line each."""
        titles = {population: title for title, population in self._populations.items()}
        return [as_arguments(line) for line in inputs.warnings(inputs.titled(self._rows(results.INPUTS), titles))]

    def duplicates(self, name: str, definition: str | None = None) -> Duplicates:
        """Return the near-duplicates among a generator's samples, by a definition; by default the first one.

        They are those of the ratio: of the middle scale, unless `alpha` was given. `tables` have the other scales'.
        Where there are more than about 10 million, only those among some of the samples are listed.
        """
        definition = definition or next(iter(self._run.study.definitions))
        names = {"definition": definition, "search": self._populations[self._known(name)]}
        if definition not in self._run.study.definitions:
            raise KeyError(f"no definition '{definition}'{suggestion(definition, self._run.study.definitions)}")
        table = self._run.tables[self._run.place(results.DUPLICATES, **names)]
        found = dict(at_scale(columns_in(table), about_table(table)))
        i, j = (found.pop(side) % ROWS_PER_POPULATION for side in ("i", "j"))
        return Duplicates(i, j, found)

    def save(self, folder: str | PathLike[str]) -> None:
        """Write the tables and models into a folder, as the command does, with `provenance.json`."""
        from gancensus.audit.saved import save

        save(self._run, Path(folder))

    def to_html(self, path: str | PathLike[str]) -> None:
        """Write the report: one page, which opens without a network."""
        from gancensus.audit.saved import write_report  # which imports matplotlib

        write_report(self._run, Path(path))

    def __repr__(self) -> str:
        lines = [" | ".join(row) for row in [["generator", *COLUMNS], *([*row] for row in self._cells())]]
        return "\n".join([f"Audit of {len(self)} generator{'s' * (len(self) > 1)}", *lines, *self._remarks])

    def _repr_html_(self) -> str:
        def line(cells: list[str], tag: str) -> str:
            return f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"

        body = "".join(line(row, "td") for row in self._cells())
        remarks = "".join(f"<p>{html.escape(text)}</p>" for text in self._remarks)
        return f"<table><thead>{line(['generator', *COLUMNS], 'th')}</thead><tbody>{body}</tbody></table>{remarks}"

    @property
    def _remarks(self) -> list[str]:
        return [*(f"warning: {text}" for text in self.warnings), *self.failed]

    def _cells(self) -> list[list[str]]:
        """Return the rows as they are shown: generator, ratio, support, and the four answers."""
        return [
            [
                name,
                _with_interval(one.main, "ratio"),
                _with_interval(one.main, "effective_support"),
                *(sentences.answer(one.answers.get(question)) for question in HEADS),
            ]
            for name, one in self.items()
        ]

    def _rows(self, place: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._run.tables[self._run.place(place)].to_pylist()
        return rows


COLUMNS = ("ratio", "support", *HEADS.values())


def _with_interval(row: numbers.Row, name: str) -> str:
    """Write a number with its interval."""
    value, reach = numbers.interval(row, name)
    return f"{value} ({reach})" if reach else value
