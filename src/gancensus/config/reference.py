"""The reference of the configuration, written from its models: the JSON schema and the text of config/README.md."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from gancensus.config.configuration import Config, Selection, Study
from gancensus.config.registry import members, plugin_of
from gancensus.config.sections import Census, Splits
from gancensus.contracts.analysis import Analysis
from gancensus.contracts.encoder import Encoder
from gancensus.contracts.family import Member, Strict
from gancensus.contracts.generator import Generator
from gancensus.contracts.metric import Metric
from gancensus.contracts.score import Score
from gancensus.contracts.source import Source

FAMILIES: dict[str, tuple[type[Member], str]] = {
    "Sources": (Source, "`source:` of a study."),
    "Encoders": (Encoder, "Under `encoders:` of a study, by name."),
    "Scores": (Score, "`score:` of a selection."),
    "Generators": (Generator, "Under `generators:` of a study, by name."),
    "Metrics": (Metric, "In a definition, by name; a name that is a kind needs no `kind`."),
    "Analyses": (Analysis, "Keys of a study, without `kind`."),
}

HEAD = """# The configuration

<!-- Written by `make docs` from the models in src/gancensus; a test fails when it is stale. -->

`config.yaml` holds every study at laptop scale, `test.yaml` a smoke run of every stage. Use your own file with
`make run CONFIG=my.yaml`: it replaces `config.yaml` and is not merged with it. Names of studies, encoders, selections,
generators and definitions are yours: a letter, then letters, digits, `_`, `+` or `-`. Wrong keys, types, bounds and
references are reported all at once, with file and line. Editors that know `schemas/config.schema.json` complete and
check while you type.
"""


def schema() -> str:
    """Return the JSON schema of the configuration."""
    content = Config.model_json_schema()
    definition = content["$defs"]["Study"]["properties"]["definitions"]["additionalProperties"]
    kinds = definition["additionalProperties"]["discriminator"]["mapping"]
    said = {"$ref": "#/$defs/Study/properties/definitions/additionalProperties/additionalProperties"}
    definition["properties"] = {  # a name that is a kind, unless the metric says another
        kind: {"if": {"required": ["kind"]}, "then": said, "else": {"$ref": kinds[kind]}} for kind in members(Metric)
    }
    parts = {"Config": content, **content["$defs"]}
    for model in _models(Strict):
        whole = f"{model.__module__}.{model.__name__}".replace(".", "__")  # where two have one name
        properties = parts.get(whole, parts.get(model.__name__, {})).get("properties", {})
        for name, text in descriptions(model).items() if properties else ():
            properties[name] = dict(sorted({**properties[name], "description": text}.items()))
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def readme() -> str:
    """Return config/README.md."""
    lines = [HEAD]
    sections: dict[str, type[BaseModel]] = {
        "The whole file": Config,
        "A study: `studies: {NAME: ...}`": Study,
        "Splits: `splits:`": Splits,
        "A selection: `selections: {NAME: ...}`": Selection,
        "The census: `census:`": Census,
    }
    for title, model in sections.items():
        lines += [f"## {title}\n", *_model(model)]
    for title, (family, where) in FAMILIES.items():
        lines += [f"## {title}\n", f"{where}\n"]
        for kind, member in members(family).items():
            plugin = plugin_of(member.__module__)
            lines += [f"### `{kind}`\n", *([f"From the package {plugin.distribution}.\n"] if plugin else [])]
            lines += _model(member)
    return "\n".join(lines).rstrip() + "\n"


def _models(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield the models that are derived from one."""
    for model in base.__subclasses__():
        yield model
        yield from _models(model)


def descriptions(model: type[BaseModel]) -> dict[str, str]:
    """Return the string below each field of a model.

    Read from the source when they are needed: `use_attribute_docstrings` would cost every process half a second.
    """
    found = {name: field.description for name, field in model.model_fields.items() if field.description}
    for base in model.__mro__[::-1]:
        if base.__module__.startswith("pydantic") or not issubclass(base, BaseModel) or base.__name__ == "Study":
            continue
        (node,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        assert isinstance(node, ast.ClassDef)
        for field, below in pairwise(node.body):
            match field, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    if name in model.model_fields:
                        found[name] = inspect.cleandoc(text)
    return found


def _model(model: type[BaseModel]) -> Iterator[str]:
    """Yield a model's description and the table of its keys."""
    yield inspect.cleandoc(model.__doc__ or "") + "\n"
    keys = {name: field for name, field in model.model_fields.items() if name != "kind"}
    if keys:
        yield "| key | value | default | what it is |\n| --- | --- | --- | --- |"
        texts = descriptions(model)
        for name, field in keys.items():
            text = " ".join(texts.get(name, "").split())
            yield f"| `{name}` | {_kind(field)} | {_default(field)} | {text} |"
        yield ""


def _kind(field: FieldInfo) -> str:
    """Put type and bounds of a key into words."""
    name = _type_name(field.annotation)
    signs = {Gt: "> {0.gt}", Ge: "≥ {0.ge}", Lt: "< {0.lt}", Le: "≤ {0.le}"}
    bounds = [text.format(bound) for bound in field.metadata for sign, text in signs.items() if isinstance(bound, sign)]
    return " ".join([name, ", ".join(bounds)]).strip()


def _type_name(annotation: Any) -> str:
    """Name a type as a user of YAML would."""
    known = {int: "integer", float: "number", str: "name", bool: "yes or no"}
    if annotation in known:
        return known[annotation]
    if isinstance(annotation, type) and not get_args(annotation):
        return "path" if annotation.__name__ == "Path" else "section"
    if get_origin(annotation) is Annotated:
        return _type_name(get_args(annotation)[0])
    if get_origin(annotation) is tuple:
        return f"list of {_type_name(get_args(annotation)[0])}s"
    options = [option for option in get_args(annotation) if option is not type(None)]
    if options and all(isinstance(option, str | int | float) for option in options):
        return ", ".join(f"`{option}`" for option in options)
    if get_origin(annotation) in (Union, UnionType):
        return " or ".join(dict.fromkeys(map(_type_name, options)))
    return "section"


def _default(field: FieldInfo) -> str:
    """Put the default of a key into words."""
    if field.default is PydanticUndefined:
        return "required"
    if isinstance(field.default, BaseModel) or field.default in (None, {}):
        return ""
    return f"`{field.default}`"
