"""A configuration file as its author sees it: what YAML makes of it, and on which lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from gancensus.contracts.errors import UserError

MOST = 1_000_000  # values that a file may come to once its aliases are followed
TAG = "tag:yaml.org,2002:"
MEANT = {"bool": "true or false", "int": "a number", "float": "a number", "timestamp": "a date", "null": "nothing"}
UNLIKE = (ValueError, OverflowError, KeyError, IndexError, AttributeError)
"""What PyYAML raises on a scalar that is not what it is taken for.

2024-02-31 is a ValueError, 0001-01-01T00:00:00+23:00 an OverflowError, `!!bool x` a KeyError, `!!int ''` an IndexError,
`!!timestamp x` an AttributeError."""
OCTAL = re.compile(r"[-+]?0[0-7_]+")


class Tree:
    """The YAML nodes of a file, which know their lines."""

    def __init__(self, path: Path) -> None:
        """Read a file and note what is wrong with it beside its values.

        Raises UserError where it is no YAML, contains itself by an alias, or comes to a million values.
        """
        self.path = path
        self._loader = yaml.SafeLoader(_printable(path))
        try:
            self.node = self._loader.get_single_node()
            _check_size(self.node, {}, set())
        except yaml.MarkedYAMLError as error:
            raise self._unreadable(error) from None
        except (ValueError, OverflowError) as error:  # "\UFFFFFFFF" is no character
            raise UserError(f"{path}:{self._here()}: not readable as YAML: {error}; correct it") from None
        except RecursionError:
            raise UserError(f"{path}:{self._here()}: not readable as YAML: nested too deeply; flatten it") from None
        self.doubts = [f"{path}:{line}" for line in _doubts(self.node)]
        self._loader.dispose()

    def value(self) -> Any:
        """Return what the file says; raises UserError for what YAML cannot make, every line at once."""
        if wrong := [f"{self.path}:{line}" for line in self._wrong(self.node, set())]:
            raise UserError("the configuration has errors:\n" + "\n".join(f"  {line}" for line in wrong))
        if self.node is None:
            return None
        try:
            return self._loader.construct_document(self.node)
        except yaml.MarkedYAMLError as error:
            raise self._unreadable(error) from None

    def line(self, keys: Sequence[str]) -> int | None:
        """Return the line of the innermost key of the path that the file has, None when it has not even the first."""
        entries = list(self._entries(keys))
        return entries[-1][0].start_mark.line + 1 if entries else None if keys else 1

    def text(self, keys: Sequence[str]) -> list[str]:
        """Return the keys as the file writes them, as far as it has them."""
        entries = list(self._entries(keys))
        written = [step if key is value else str(key.value) for (key, value), step in zip(entries, keys, strict=False)]
        return [*written, *keys[len(written) :]]

    def misread(self, keys: Sequence[str], key: bool = False) -> tuple[str, str] | None:
        """Return the text of an unquoted value, or of a key, and what YAML takes it for where that is no text."""
        entries = list(self._entries(keys))
        node = entries[-1][0 if key else 1] if entries and len(entries) == len(keys) else None
        kind = node.tag.removeprefix(TAG) if node else ""
        if not isinstance(node, yaml.ScalarNode) or node.style or kind not in MEANT:
            return None
        return node.value, str(self._scalar(node)).lower() if kind == "bool" else MEANT[kind]

    def _entries(self, keys: Sequence[str]) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        """Yield the nodes of key and value along a path, as far as the file has it; of a list, the entry twice."""
        node = self.node
        for key in keys:
            entry = None
            if isinstance(node, yaml.MappingNode):  # the one that YAML takes is the last
                entry = next(((k, v) for k, v in reversed(node.value) if self._is(k, key)), None)
            elif isinstance(node, yaml.SequenceNode) and key.isdecimal() and int(key) < len(node.value):
                entry = (node.value[int(key)],) * 2
            if entry is None:
                return
            yield entry
            node = entry[1]

    def _is(self, node: yaml.Node, key: str) -> bool:
        return isinstance(node, yaml.ScalarNode) and (node.value == key or str(self._scalar(node)) == key)

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        """Return what YAML makes of a scalar; its text where it makes nothing of it."""
        try:
            return self._loader.construct_object(node)
        except (yaml.constructor.ConstructorError, *UNLIKE):
            return node.value

    def _wrong(self, node: yaml.Node | None, seen: set[int]) -> Iterator[str]:
        """Yield line and complaint for each node of which YAML can make no value."""
        if node is None or id(node) in seen:
            return
        seen.add(id(node))
        line = node.start_mark.line + 1
        if node.tag not in (*self._loader.yaml_constructors, f"{TAG}merge"):
            yield f"{line}: the tag {node.tag.replace(TAG, '!!')} is unknown; remove it, or quote the text"
        elif isinstance(node, yaml.ScalarNode) and node.tag != f"{TAG}merge":
            try:
                self._loader.construct_object(node)
            except UNLIKE:
                kind = node.tag.removeprefix(TAG)
                what = f"{clipped(node.value) or 'nothing'} looks like {MEANT.get(kind, kind)}"
                yield f"{line}: {what}, but is none; correct it, or quote it"
            except yaml.constructor.ConstructorError as error:
                yield f"{line}: {error.problem}; correct it"
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode):
                yield from self._wrong(key, seen)
            else:
                yield (
                    f"{key.start_mark.line + 1}: a key is a word, and here is a list or a mapping; quote text that "
                    "begins with { or [, and fill in what a template has left: {{ ... }}"
                )
            yield from self._wrong(value, seen)
        for entry in node.value if isinstance(node, yaml.SequenceNode) else ():
            yield from self._wrong(entry, seen)

    def _unreadable(self, error: yaml.MarkedYAMLError) -> UserError:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        said = f"{error.context} {error.problem}" if str(error.problem).startswith("but ") else error.problem
        return UserError(f"{self.path}:{line}: not readable as YAML: {clipped(said, 200)}; correct it")

    def _here(self) -> int:
        """Return the line that is being read."""
        return int(self._loader.get_mark().line) + 1


def clipped(text: object, most: int = 60) -> str:
    """Return a text in one line of a message, cut where it is long."""
    line = " ".join(str(text).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _printable(path: Path) -> str:
    """Return the text of a file; raises UserError where there is no file, and where it is not text."""
    try:
        if not path.is_file():
            what = "is a folder, not a configuration file" if path.is_dir() else "no such configuration file"
            what += f"; did you mean {inside[0]}?" if (inside := sorted(path.glob("*.yaml"))) else ""
            raise UserError(f"{path}: {what} (looked for from {Path.cwd()})")
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path}: not a text file in UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise UserError(f"{clipped(path, 200)}: {error.strerror}") from None
    if odd := yaml.SafeLoader.NON_PRINTABLE.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        raise UserError(f"{path}:{line}: not readable as YAML: the character {odd[0]!a} is not allowed; remove it")
    return text


def _check_size(node: yaml.Node | None, sizes: dict[int, int], within: set[int]) -> int:
    """Return how many values a node comes to; raises MarkedYAMLError for too many, and for a node within itself."""
    if not isinstance(node, yaml.CollectionNode):
        return 1
    if id(node) in within:
        raise yaml.MarkedYAMLError(None, None, "an alias stands for what it is part of", node.start_mark)
    if id(node) not in sizes:
        within.add(id(node))
        pairs = isinstance(node, yaml.MappingNode)
        parts = [part for pair in node.value for part in pair] if pairs else node.value
        sizes[id(node)] = 1 + sum(_check_size(part, sizes, within) for part in parts)
        within.remove(id(node))
    if sizes[id(node)] > MOST:
        raise yaml.MarkedYAMLError(None, None, f"its aliases come to more than {MOST:,} values", node.start_mark)
    return sizes[id(node)]


def _doubts(top: yaml.Node | None) -> Iterator[str]:
    """Yield line and complaint for what YAML accepts silently, but probably not as it is meant.

    That is a key that a mapping has twice, of which it takes the last, and numbers that it does not read as decimal.
    """
    seen: set[int] = set()
    todo: list[tuple[yaml.Node | None, tuple[str, ...]]] = [(top, ())]
    while todo:
        node, path = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode) and not node.style and node.tag in (f"{TAG}int", f"{TAG}float"):
            if OCTAL.fullmatch(node.value) or ":" in node.value:
                what = "with the base 60" if ":" in node.value else "with the base 8"
                line = f"{node.start_mark.line + 1}: {'.'.join(path)}"
                yield f"{line}: YAML reads {node.value} as a number {what}; write it as a decimal number, or quote it"
        elif isinstance(node, yaml.SequenceNode):
            todo += [(entry, (*path, str(k))) for k, entry in reversed(list(enumerate(node.value)))]
        elif isinstance(node, yaml.MappingNode):
            yield from _repeats(node, path)
            named = [(v, (*path, clipped(k.value, 40))) for k, v in node.value if isinstance(k, yaml.ScalarNode)]
            todo += reversed(named)


def _repeats(node: yaml.MappingNode, path: tuple[str, ...]) -> Iterator[str]:
    """Yield line and complaint for each key that a mapping has twice."""
    lines: dict[str, int] = {}
    for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
        line = key.start_mark.line + 1
        if key.value in lines:
            where = ".".join([*path, clipped(key.value, 40)])
            yield f"{line}: {where}: is there already, in line {lines[key.value]}; remove one of the two"
        lines[key.value] = line
