"""The configuration: what a user writes in YAML, validated whole into frozen objects, every error at once."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from gancensus.config.registry import check, members, union
from gancensus.config.sections import Census, Cut, Splits
from gancensus.config.yaml_tree import Tree, clipped
from gancensus.contracts.analysis import Analysis, Chosen, Context, table_names
from gancensus.contracts.encoder import Encoder, FittedEncoder
from gancensus.contracts.errors import UserError
from gancensus.contracts.family import EncoderName, Member, Strict, expanded, suggestion
from gancensus.contracts.generator import Generator, Trained
from gancensus.contracts.metric import Metric
from gancensus.contracts.replica import Replica
from gancensus.contracts.samples import REAL
from gancensus.contracts.score import Score
from gancensus.contracts.source import Source
from gancensus.storage.imagefiles import is_part

FAMILIES = (Source, Encoder, Score, Generator, Metric, Analysis)

if TYPE_CHECKING:
    AnySource = Source
    AnyEncoder = Encoder
    AnyScore = Score
    AnyGenerator = Generator
    AnyMetric = Metric
    AnyAnalysis = Analysis
else:
    AnySource, AnyEncoder, AnyScore, AnyGenerator, AnyMetric, AnyAnalysis = map(union, FAMILIES)

RESERVED = ("logs", "benchmarks")  # folders beside the studies' in the results


NAME = r"[A-Za-z][A-Za-z0-9_+-]*"
NAMES = "a name is a letter, then letters, digits, '_', '+' or '-', and not 'logs' or 'benchmarks'"
LONGEST = 100  # letters of a name: NAME-12~holdout-345.parquet and the like must fit into the 255 of a file name


def _check_name(name: str) -> str:
    """Refuse names that are not safe in a path."""
    if len(name) > LONGEST:
        raise PydanticCustomError("name", f"is too long: a name has at most {LONGEST} letters, as it names files, too")
    if not re.fullmatch(NAME, name) or name in RESERVED:
        raise PydanticCustomError("name", NAMES)
    return name


Name = Annotated[str, AfterValidator(_check_name)]


def _name_is_kind(section: Any) -> Any:
    """Use the name of a metric as its kind, unless it has a `kind`: `{euclidean: {alpha: 0.01}}`."""
    if not isinstance(section, Mapping):
        return section
    return {k: {"kind": k, **v} if isinstance(v, Mapping) else v for k, v in section.items()}


def _check_metric(name: str) -> str:
    """Refuse the names of the columns beside the metrics' in a table of duplicates."""
    if name in ("i", "j"):
        raise PydanticCustomError("name", "a metric cannot be called 'i' or 'j', which name the two samples of a pair")
    if "+" in name:
        raise PydanticCustomError("name", "the name of a metric has no '+', which joins those of several")
    return name


def _compares(definition: dict[str, Metric]) -> dict[str, Metric]:
    """Refuse a definition that asks for equal conditions and nothing of the samples."""
    if all(metric.fixed is not None for metric in definition.values()):
        raise PydanticCustomError("definition", "needs a metric that compares samples, beside their conditions")
    return definition


Definition = Annotated[
    dict[Annotated[Name, AfterValidator(_check_metric)], AnyMetric],
    BeforeValidator(_name_is_kind),
    Field(min_length=1),
    AfterValidator(_compares),
]


class Selection(Cut):
    """Keeps the densest share of the training samples."""

    encoder: EncoderName | None = None
    """The encoder in whose space density is measured; without one, among the samples themselves."""
    score: AnyScore
    """How density is measured."""

    @property
    def chosen(self) -> Chosen:
        """What an analysis knows of it."""
        options = self.model_dump(mode="json", exclude={"encoder", "keep"})
        return Chosen(self.encoder, self.score.kind, self.keep, json.dumps(options, sort_keys=True))


class BaseStudy(Strict):
    """A data set with the generators trained on it and the questions asked of them."""

    source: AnySource
    """Where the real samples come from."""
    splits: Splits = Splits()
    """How the real samples are divided."""
    trained_on: AnyGenerator | None = None
    """The samples that models elsewhere have learned from, as a generator of files: they are `train` then, and `splits`
    divides the real samples into the others."""
    encoders: dict[Name, AnyEncoder] = Field({})
    """Maps from samples to vectors, by name."""
    selections: dict[Name, Selection] = Field({})
    """Dense parts of `train`, by name."""
    generators: dict[Name, AnyGenerator] = Field(min_length=1)
    """What makes samples, by name; replica R of generator NAME is the population NAME-R."""
    definitions: dict[Name, Definition] = Field(min_length=1)
    """What makes two samples duplicates, by name: metrics that must all be within their threshold."""
    census: Census = Census()
    """How support sizes are estimated and judged."""

    @field_validator("trained_on")
    @classmethod
    def _lies_in_files(cls, given: Generator | None) -> Generator | None:
        if given is not None and given.trained:
            kinds = ", ".join(sorted(kind for kind, one in members(Generator).items() if not one.trained))
            text = "kind '{kind}' is trained here; give the files that models elsewhere have learned from: {kinds}"
            raise PydanticCustomError("trained_on", text, {"kind": given.kind, "kinds": kinds})
        return given

    @model_validator(mode="wrap")
    @classmethod
    def _know_names(cls, data: Any, handler: ModelWrapValidatorHandler[BaseStudy], info: ValidationInfo) -> BaseStudy:
        """Let the fields that refer to encoders and selections know which ones this study has.

        An analysis with nothing after its key (`fidelity:`) is asked for too.
        """
        if isinstance(info.context, dict) and isinstance(data, Mapping):
            data = {k: {} if v is None and k in members(Analysis) else v for k, v in data.items()}
            for section in ("encoders", "selections"):
                names = data.get(section, {})
                # None: the section is wrong, which is reported there, once
                info.context[section] = list(names) if isinstance(names, Mapping) else None
        return handler(data)

    @model_validator(mode="after")
    def _titles_differ(self) -> BaseStudy:
        """Refuse what would be shown under one name."""
        shown = [self.titles.get(population, population) for population in self.generated]
        if twice := next((title for title in shown if shown.count(title) > 1), None):
            text = "two generators would be shown as '{title}'; give each a title of its own"
            raise PydanticCustomError("title", text, {"title": clipped(twice)})
        return self

    @property
    def analyses(self) -> dict[str, Analysis]:
        """The analyses that the study asks for, by kind."""
        found = {kind: getattr(self, kind) for kind in members(Analysis)}
        return {kind: analysis for kind, analysis in found.items() if analysis is not None}

    @property
    def analysed(self) -> dict[str, tuple[Analysis, str]]:
        """The tables that the study's analyses make: analysis and its table by where that lies in the results."""
        analyses = self.analyses.items()
        return {place: (a, table) for kind, a in analyses for place, table in table_names(kind, a).items()}

    @property
    def generated(self) -> dict[str, Replica]:
        """The generated populations: generator and replica by population."""
        replicas = {name: g.replicas if isinstance(g, Trained) else 1 for name, g in self.generators.items()}
        made = [Replica(name, replica) for name, n in replicas.items() for replica in range(n)]
        return {replica.population: replica for replica in made}

    @property
    def titles(self) -> dict[str, str]:
        """What the generated populations are called where they are shown, if that is not their name."""
        given = {name: (g.title, g.trained) for name, g in self.generators.items() if g.title is not None}
        made = [(population, *given[name], n) for population, (name, n) in self.generated.items() if name in given]
        return {population: f"{title}-{n}" if trained else title for population, title, trained, n in made}

    @property
    def cut(self) -> Splits:
        """How the source's samples are divided: none are `train` where that is given apart."""
        return self.splits if self.trained_on is None else self.splits.model_copy(update={"train": 0.0})

    @property
    def given(self) -> dict[str, Generator]:
        """Where `train` comes from, by that name, if not from the source."""
        return {} if self.trained_on is None else {"train": self.trained_on}

    @property
    def real(self) -> tuple[str, ...]:
        """The real populations that have samples."""
        return REAL if self.given or self.splits.train else REAL[1:]

    @property
    def unseen(self) -> list[str]:
        """The generated populations whose models, trained elsewhere, may not have learned from `train`."""
        made = self.generated.items()
        known = self.splits.train_first or self.given
        return [] if known else [p for p, (name, _) in made if not self.generators[name].trained]

    def reference(self, population: str) -> list[str]:
        """Return the real populations that a population is measured beside.

        That is `train`, too, where there is one that it was not fitted to, and whose samples do not belong together.
        """
        spaces = {metric.space for definition in self.definitions.values() for metric in definition.values()}
        fitted = population not in self.unseen or any(self.encoders[space].fitted for space in spaces if space)
        return ["holdout"] if fitted or self.source.grouped or "train" not in self.real else ["holdout", "train"]


if TYPE_CHECKING:
    Study = BaseStudy
else:  # every analysis is a key of a study, so that a new one needs no change here
    Study = create_model(
        "Study",
        __base__=BaseStudy,
        __doc__=BaseStudy.__doc__,
        **{
            kind: (cls | None, Field(None, description=(cls.__doc__ or "").split("\n")[0]))
            for kind, cls in members(Analysis).items()
        },
    )


def results_folder(name: str) -> Path:
    """Return the results folder of that name, `~` expanded, and the working directory by its whole path.

    Raises ValueError where Snakemake could not work in it: `{...}` and `<...>` in file names have a meaning for it.
    """
    folder = Path.cwd() if Path(name) == Path() else expanded(Path(name))
    if found := re.search(r"[{}<>\x00-\x1f\x7f\ud800-\udfff]", str(folder)):
        text = "a folder with {found} in its name cannot hold results; choose another"
        raise PydanticCustomError("folder", text, {"found": ascii(found[0])})
    if any(len(os.fsencode(part)) > 255 for part in folder.parts):
        raise PydanticCustomError("folder", "is too long: the name of a folder has at most 255 bytes")
    if str(folder).startswith("-"):
        raise PydanticCustomError("folder", "begins with '-', like an option; choose another, or write its whole path")
    return folder


class Pathvars(Strict):
    """Snakemake's path variables."""

    results: str = Field("results", min_length=1)
    """The folder that everything is written to, relative to the working directory."""

    @field_validator("results")
    @classmethod
    def _is_a_folder(cls, results: str) -> str:
        return str(results_folder(results))


class Config(Strict):
    """The whole configuration."""

    seed: int = Field(0, ge=0)
    """The one seed; every random number derives from it and from the names of what it is for."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where networks run and the search multiplies; auto takes a CUDA GPU if there is one.

    Networks give other numbers on a GPU than on the processor, reproducible as well."""
    parts: int = Field(1, ge=1, le=10_000)
    """Number of files, and of jobs, into which each population is cut; changes no result."""
    shards: int = Field(1, ge=1, le=10_000)
    """Number of jobs into which each search for duplicates is cut; changes no result."""
    memory: int = Field(2000, ge=1000)
    """Memory in MB that a job of the search for duplicates is planned to use; changes no result."""
    checkpoint: int = Field(300, ge=1)
    """Seconds between the states that a training saves, from which it resumes if it was stopped; changes no result."""
    cap: int = Field(10_000_000, ge=1000)
    """About how many duplicates a table lists; of more, all are counted, but only those among some samples listed."""
    pathvars: Pathvars = Pathvars()
    """Snakemake's path variables."""
    studies: dict[Name, Study] = Field(min_length=1)
    """The studies, by name."""
    _skipped: tuple[str, ...] = PrivateAttr(())

    @property
    def skipped(self) -> tuple[str, ...]:
        """Which studies and analyses are left out, as packages that they need are missing: a line each."""
        return self._skipped

    def runnable(self) -> Config:
        """Return the configuration with the studies and analyses that have the packages that they need.

        Raises UserError where there are no studies.
        """
        lines, studies = [], {}
        for name, study in self.studies.items():
            if lack := study.source.lacking():
                lines.append(f"study {name} is skipped: its source {study.source.kind} {lack}")
                continue
            lacks = {kind: lack for kind, analysis in study.analyses.items() if (lack := analysis.lacking())}
            lines += [f"{kind} of study {name} is skipped: it {lack}" for kind, lack in lacks.items()]
            studies[name] = study.model_copy(update=dict.fromkeys(lacks))
        if not studies:
            raise UserError("; ".join([*lines, "there is no other study"]))
        found = self.model_copy(update={"studies": studies})
        found._skipped = tuple(lines)
        return found


def read(path: Path) -> Config:
    """Read and validate a configuration file; its studies are those that can run here.

    Raises UserError as `load` does, and when there is no such file or it is no YAML.
    """
    tree = Tree(path)
    return _validate(tree.value(), [tree])


def load(raw: Any, files: Sequence[Path] = ()) -> Config:
    """Validate a configuration as Snakemake has read it from YAML files; its studies are those that can run here.

    Raises UserError with every error at once: file and line where the key stands, key path, what is wrong, a hint.
    """
    return _validate(raw, [Tree(path) for path in files])


def _validate(raw: Any, trees: Sequence[Tree]) -> Config:
    """Validate what was read from files, by plug-ins that can be used."""
    check(FAMILIES, {*BaseStudy.model_fields, *dir(BaseStudy)})
    lines = [line for tree in trees for line in tree.doubts]
    try:
        config = Config.model_validate(dict(raw) if isinstance(raw, Mapping) else raw, context={})
    except ValidationError as error:
        lines += [_describe(e, raw, trees) for e in _first_of_each_name(error.errors())]
    if lines:
        raise UserError("the configuration has errors:\n" + "\n".join(f"  {line}" for line in lines))
    return config.runnable()


def _first_of_each_name(errors: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out what is wrong below an entry whose name is wrong already."""
    named = [error["loc"][:-1] for error in errors if error["loc"][-1:] == ("[key]",)]
    return [e for e in errors if e["loc"][-1:] == ("[key]",) or not any(e["loc"][: len(n)] == n for n in named)]


def check_files(config: Config) -> None:
    """Raise UserError, with every problem at once, for what is not there, and for members that do not go together."""
    missing, wrong = [], []
    for name, study in config.studies.items():
        named: dict[str, Member] = {"source": study.source}
        named |= {f"encoders.{key}": member for key, member in study.encoders.items()}
        named |= _provided(study)
        absent = [(k, path, why) for k, member in named.items() for path in member.files() if (why := why_absent(path))]
        missing += [
            "; ".join(filter(None, [f"studies.{name}.{key}: {clipped(path, 200)}: {why}", named[key].obtain]))
            for key, path, why in absent
        ]
        unfit = [
            *_without_train(study),
            *_trained_on(study),
            *_unconditional(study),
            *_too_many(study),
            *_readings(study),
            *_nested(study),
            *_not_embedded(study),
            *_unfit_metrics(study),
            *_unknown_classes(study),
        ]
        wrong += [f"studies.{name}.{line}" for line in unfit]
        chosen = {name: selection.chosen for name, selection in study.selections.items()}
        about = Context(study.source, study.generators, made=study.generated, selections=chosen, real=study.real)
        for kind, analysis in study.analyses.items():
            asked = {key: FittedEncoder(study.encoders[key], {}) for key in analysis.asks}
            if reason := analysis.refuses(about._replace(models=asked)):
                wrong.append(f"studies.{name}.{kind}: {reason}")
    if missing or wrong:
        raise UserError("\n  ".join(["the configuration has errors:", *missing, *wrong]))


def _provided(study: BaseStudy) -> dict[str, Generator]:
    """Return the generators of a study, and what was given as `train`, by their place in the study."""
    generators = {f"generators.{key}": generator for key, generator in study.generators.items()}
    return generators if study.trained_on is None else generators | {"trained_on": study.trained_on}


def _without_train(study: BaseStudy) -> Iterator[str]:
    """Yield what needs training samples, in a study that has none."""
    if "train" in study.real:
        return
    needing = {f"generators.{key}": "is trained here" for key, one in study.generators.items() if one.trained}
    needing |= {f"selections.{key}": "keeps some of the training samples" for key in study.selections}
    needing |= {
        f"encoders.{key}": f"kind {one.kind} is fitted on training samples"
        for key, one in study.encoders.items()
        if one.fitted
    }
    needing |= {key: "needs training samples" for key, one in study.analyses.items() if one.needs_train}
    for key, why in needing.items():
        yield (
            f"{key}: {why}, and `splits.train` is 0; set some real samples apart (splits: {{train: 0.2}}), name those "
            "that a model elsewhere has learned from in `trained_on`, or leave it out"
        )


def _trained_on(study: BaseStudy) -> Iterator[str]:
    """Yield what does not go together with training samples that are given apart."""
    if not study.given:
        return
    if study.splits.train not in (0, Splits().train):
        yield f"splits.train: {study.splits.train:g}, but `trained_on` says what is `train`; leave it out, or write 0"
    if study.splits.train_first:
        yield "splits.train_first: `trained_on` says what models have learned from; leave one of the two out"
    for key, encoder in study.encoders.items():
        if encoder.class_learned is not None:
            yield f"encoders.{key}.only: samples of `trained_on` have no classes; leave it out"
    if "train" in study.generators and any(encoder.by_row for encoder in study.encoders.values()):
        yield "generators.train: is what vectors of `trained_on` are called, too; rename it"


def why_absent(path: Path) -> str:
    """Say why a file or folder cannot be reached; empty where it can."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: no name at all, such as one with NUL
        return "no such file or folder" + ("" if path.is_absolute() else f" (not found from {Path.cwd()})")
    except OSError as error:
        return str(error.strerror).lower()
    return ""


def _unconditional(study: BaseStudy) -> Iterator[str]:
    """Yield what needs a condition that the samples of a generator trained here do not have."""
    drawn = [k for k, g in study.generators.items() if isinstance(g, Trained) and not g.conditional]
    readers: dict[str, Metric | Analysis] = {
        f"definitions.{name}.{key}": metric for name, d in study.definitions.items() for key, metric in d.items()
    }
    for key, reader in {**readers, **study.analyses}.items() if drawn else ():
        if reader.condition_read:
            yield (
                f"{key}: needs the condition '{reader.condition_read}', and samples of generator {drawn[0]}, trained "
                "here, have none; leave it out, or provide samples of kind files"
            )


def _too_many(study: BaseStudy) -> Iterator[str]:
    """Yield the generators that would have to draw more than one sample under a condition."""
    held_out = study.splits.holdout
    for key, generator in study.generators.items():
        if isinstance(generator, Trained) and generator.once and 1 <= held_out < generator.samples:
            yield (
                f"generators.{key}.samples: {generator.samples}, but holdout has {held_out:.0f} conditions to draw "
                "under; lower it, or enlarge `splits.holdout`"
            )


TEXT_WANTED = ("string_type", "path_type")
# whose messages say what was found
WITH_INPUT = ("extra_forbidden", "missing", "union_tag_invalid", "literal_error", "reference")


def _readings(study: BaseStudy) -> Iterator[str]:
    """Yield the generators whose image files would be read in another way than the real ones."""
    for key, generator in _provided(study).items():
        if any(why_absent(path) for path in (*study.source.files(), *generator.files())):
            continue
        real, made = study.source.reading, generator.reading
        if real is None or made is None:
            continue
        if real.keys() != made.keys():
            yield (
                f"{key}: images of kind {generator.kind} are read in another way than those of the source, "
                f"kind {study.source.kind}; give both the same kind, with the same keys"
            )
            continue
        for name in (name for name in real if made[name] != real[name]):
            yield (f"{key}.{name}: {made[name]}, but that of the source is {real[name]}; give both the same one")


def _unfit_metrics(study: BaseStudy) -> Iterator[str]:
    """Yield the metrics that cannot compare the samples of the source."""
    for name, definition in study.definitions.items():
        for key, metric in definition.items():
            if metric.space is None and (reason := metric.refuses(study.source)):
                yield f"definitions.{name}.{key}: {reason}"


def _unknown_classes(study: BaseStudy) -> Iterator[str]:
    """Yield the encoders that would learn from a class that the source does not have."""
    classes = study.source.classes
    for name, encoder in study.encoders.items():
        if classes and encoder.class_learned is not None and encoder.class_learned not in classes:
            known = ", ".join(f"{label} ({one})" for label, one in classes.items())
            yield f"encoders.{name}.only: {encoder.class_learned} is no class of the source, which has {known}"


def _nested(study: BaseStudy) -> Iterator[str]:
    """Yield the generators whose images would be read as real ones, too, or vice versa: one folder is inside the other.

    The same folder on both sides is allowed: the real samples compared with themselves.
    """
    real_files, provided = study.source.files(), _provided(study).items()
    sides = [(key, real, made) for key, one in provided for made in one.files() for real in real_files]
    for key, real, made in sides:
        if why_absent(real) or why_absent(made):
            continue
        kind = "training samples" if key == "trained_on" else "generated"
        for inner, outer, side in ((made, real, "real"), (real, made, kind)):
            if is_part(inner, outer):
                yield (
                    f"{key}.path: {made}, but source.path: {real}; what is in {inner} would be read as "
                    f"{side}, too: move it out of {outer}"
                )


def _not_embedded(study: BaseStudy) -> Iterator[str]:
    """Yield why encoders cannot embed generated samples; those that only selections use are not asked to."""
    spaces = [metric.space for definition in study.definitions.values() for metric in definition.values()]
    spaces += [analysis.space for analysis in study.analyses.values()]
    for key in dict.fromkeys(space for space in spaces if space is not None):
        refused = study.encoders[key].refuses({**study.generators, **study.given})
        yield from (f"encoders.{key}.{line}" for line in refused)


def _describe(error: ErrorDetails, raw: Any, trees: Sequence[Tree]) -> str:
    """Return one of pydantic's errors as a message, with its place."""
    keys, named = _key_path(error["loc"], raw), error["loc"][-1:] == ("[key]",) or error["type"] == "invalid_key"
    if named:
        keys[-1] = str(error["input"])  # pydantic has made 0 of `no`
    message = _message(error, keys)
    if error["type"] not in WITH_INPUT and isinstance(error["input"], str | int | float | date):
        message += f" (found: {clipped(_literal(error['input']))})"
    if error["type"] == "literal_error" and keys[-1] == "kind":
        keys = keys[:-1]
    there = keys[:-1] if error["type"] == "missing" else keys
    tree, line = next(((t, n) for t in reversed(trees) if (n := t.line(there))), (None, None))
    if tree and error["type"] in TEXT_WANTED and (misread := tree.misread(there, named)):
        message = _unquoted(*misread, named)
    where = ".".join(clipped(key, 40) for key in (tree.text(keys) if tree else keys))
    return f"{f'{tree.path}:{line}' if tree else 'configuration'}: {where or 'the file'}: {message}"


def _message(error: ErrorDetails, keys: Sequence[str]) -> str:
    """Say what is wrong at keys."""
    match error["type"]:
        case "extra_forbidden":
            return f"unknown key{suggestion(keys[-1], _fields_at(error['loc'][:-1]))}"
        case "missing":
            return "is missing"
        case "union_tag_invalid":
            tag, known = error["ctx"]["tag"], re.findall(r"'([^']+)'", error["ctx"]["expected_tags"])
            return f"kind '{clipped(tag)}' is unknown{suggestion(tag, known)}"
        case "union_tag_not_found":
            return "needs a `kind`"
        case "dict_type" | "model_type" | "model_attributes_type":
            return "needs keys under it, each with its value"
        case "invalid_key":
            comma = "; write decimals with a point: 0.02, not 0,02" if type(error["input"]) in (int, float) else ""
            return f"a key is a word{comma}"
        case "too_short":
            return "needs at least one entry"
        case "too_long":
            return f"has more than {error['ctx']['max_length']} entries"
        case "tuple_type" | "list_type":
            return "needs a list, in square brackets"
        case "literal_error":
            known = re.findall(r"'([^']+)'", error["ctx"]["expected"]) or [error["ctx"]["expected"]]
            found = f"kind '{clipped(error['input'])}' is unknown" if keys[-1] == "kind" else ""  # of a family of one
            return (found or f"'{clipped(error['input'])}' is not possible") + suggestion(error["input"], known)
    return error["msg"][:1].lower() + error["msg"][1:]


def _literal(value: object) -> str:
    return str(value) if isinstance(value, date) else repr(value)


def _unquoted(text: str, meant: str, name: bool) -> str:
    """Say of a text what YAML has taken it for."""
    if name and not re.fullmatch(NAME, text):
        return f"{NAMES} (found: {text or 'nothing'})"
    return f"YAML reads {text} as {meant}; quote it: '{text}'" if text else "has no value"


def _key_path(loc: Iterable[int | str], raw: Any) -> list[str]:
    """Return the keys of an error's location that are really in the file: pydantic adds the kinds of members."""
    steps = [step for step in loc if step != "[key]"]
    keys: list[str] = []
    node = raw
    for k, step in enumerate(steps):
        if isinstance(node, Mapping) and step in node:
            node = node[step]
        elif isinstance(node, Mapping) and step == node.get("kind", step if k < len(steps) - 1 else None):
            continue
        keys.append(str(step))
    return keys


def _fields_at(loc: Sequence[int | str]) -> list[str]:
    """Return the keys that the model at a location knows, for 'did you mean'."""
    kind: Any = Config
    for step in loc:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = _inner(kind.model_fields[str(step)].annotation)
        elif get_origin(kind) is dict:
            kind = _inner(get_args(kind)[1])
        elif get_origin(kind) is Union:
            kind = next(m for m in get_args(kind) if m.model_fields["kind"].default == step)
    return list(kind.model_fields)


def _inner(annotation: Any) -> Any:
    """Strip Annotated and Optional from a type."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    options = [option for option in get_args(annotation) if option is not type(None)]
    if type(None) in get_args(annotation) and len(options) == 1:
        return _inner(options[0])
    return annotation
