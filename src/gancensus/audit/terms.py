"""Keys of a configuration that messages propose, in the terms of whom they reach: options, or arguments of Python."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import yaml

PROPOSED = re.compile(
    r"`(?P<key>drop|types|decimal|same_units|group)(: (?P<value>[^`]+))?`"
    r"( of the source| under the source and under the generator| under the (source|generator))?"
)
OPTIONS = re.compile(r"(?<![\w-])--(alpha|decimal|drop|encoder|features|fidelity|group|kind|train|types)(?![\w-])")
KEY = re.compile(r"`[a-z_]+: ")  # how a text proposes a key that has no other name
PLACES = re.compile(r"(say under the source which|declare the column in the source)(?=:)")
TRAIN = re.compile(r"\((--train), or (`trained_on`|train_first)\)")


def as_options(text: str) -> str:
    """Return a text in which keys that have an option are called by it: '`drop: [a b]`' is '`--drop 'a b'`'."""
    return _in_terms(TRAIN.sub(r"(\1)", text), _option)


def as_arguments(text: str) -> str:
    """Return a text in which keys and options are called by the arguments of `gancensus.audit`: '`drop=['a b']`'."""
    return _in_terms(OPTIONS.sub(r"\1", TRAIN.sub(r"(\1)", text)), _argument)


def _in_terms(text: str, term: Callable[[str, Any], str]) -> str:
    """Return a text whose keys, with their values or without (None), are written another way."""
    text = PLACES.sub(lambda found: found[1].replace(" under the source", "").replace(" in the source", ""), text)
    return PROPOSED.sub(partial(_written, term), text)


def _written(term: Callable[[str, Any], str], found: re.Match[str]) -> str:
    try:
        value = None if found["value"] is None else yaml.safe_load(found["value"])
    except yaml.YAMLError:  # a name with a backtick
        return found[0]
    return f"`{term(found['key'], value)}`"


def _option(key: str, value: Any) -> str:
    """Return a key as it is said on the command line."""
    option = f"--{key.replace('_', '-')}"
    if value is None or value is True:
        return option
    words = [f"{name}={kind}" for name, kind in value.items()] if isinstance(value, Mapping) else value
    words = [shlex.quote(str(word)) for word in (words if isinstance(words, list) else [words])]
    plain = [word for word in words if not word.startswith("-")]
    like_options = [f"{option}={word}" for word in words if word.startswith("-")]
    return " ".join([*([option, *plain] if plain else []), *like_options])


def _argument(key: str, value: Any) -> str:
    """Return a key as it is said in Python."""
    return key if value is None else f"{key}={value!r}"
