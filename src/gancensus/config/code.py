"""Digests of the code that a step uses, file by file, so that changed code reruns the steps that use it.

Names are followed from a program through this package: a function, class or constant counts where code that counts
names it, so that a step does not depend on all of a module that it imports from. What is reached without its name
(`vars`, `getattr`, a registry, the submodule of an imported package) must be passed in: of the plug-in families, the
members in use.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib.util import find_spec, resolve_name
from pathlib import Path
from typing import NamedTuple

from gancensus.config.pipeline import PACKAGE, located
from gancensus.config.registry import plugin_of

ALL = "*"  # in place of a name: everything in a file
KEPT = Path(__file__).with_name("__pycache__") / "digests.json"  # beside what Python and numba keep of the code
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)  # which do not run when their file is imported

Name = tuple[Path, str]
"""A name in a file; '' stands for what runs whenever the file is imported."""


class Statement(NamedTuple):
    """A statement of a module, its tree as text, and the names that it needs, of its own module and of others."""

    node: ast.stmt
    tree: str
    needs: frozenset[Name]


class Uses(NamedTuple):
    """What a statement reads (`a`, `b` of `a.b`), and what it imports, by the name that this is given."""

    names: set[str]
    parts: set[tuple[str, str]]
    imports: dict[str, str]


@cache
def digests(script: Path, members: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the digests by file of all code that a script uses: its own and that of gancensus.

    A plug-in of another distribution counts with its own file, what that uses of gancensus, and its version, by the
    distribution's name.

    Comments, docstrings, formatting and what is for type checkers alone do not count, nor does Python's version.
    `members` are the modules that the configuration names, such as gancensus.domains.images.generator_dcgan, `without`
    the modules and names that code names and the step does not use; those of the script itself are called draw.gallery.
    """
    foreign = {plugin.distribution: plugin.version for name in members if (plugin := plugin_of(name))}
    if foreign or script.parent != located("scripts"):
        return dict(sorted((_digests(script, members, without) | foreign).items()))
    asked, kept = repr((script.name, members, without)), _kept()
    if asked not in kept:
        kept[asked] = _digests(script, members, without)
        _keep(kept)
    return kept[asked]


@cache
def _kept() -> dict[str, dict[str, str]]:
    """Return the digests that were found for the code as it is, by what was asked: parsing it takes seconds."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(KEPT.read_text())
        if kept["code"] == _state():
            return dict(kept["digests"])
    return {}


def _keep(found: Mapping[str, Mapping[str, str]]) -> None:
    """Keep digests for later processes; where that cannot be written, they look for themselves."""
    temporary = KEPT.with_name(f"{KEPT.name}.{os.uname().nodename}-{os.getpid()}.tmp")
    with suppress(OSError):
        KEPT.parent.mkdir(exist_ok=True)
        temporary.write_text(json.dumps({"code": _state(), "digests": found}))
        temporary.replace(KEPT)


@cache
def _state() -> str:
    """Return a digest of this package and its programs, to the last byte."""
    content = hashlib.sha256()
    for folder in dict.fromkeys((PACKAGE, located("scripts"))):
        for path in sorted(folder.rglob("*.py")):
            content.update(f"{path} {path.stat().st_size}\n".encode() + path.read_bytes())
    return content.hexdigest()


def _digests(script: Path, members: tuple[str, ...], without: tuple[str, ...]) -> dict[str, str]:
    own = f"{script.stem}."
    unused = [(script, name.removeprefix(own)) if name.startswith(own) else _target(name) for name in without]
    reached = reach(script, [file for name in members if (file := _member(name))], list(filter(None, unused)))
    found = {
        _label(file): hashlib.sha256("\n".join(statement.tree for statement in statements).encode()).hexdigest()[:12]
        for file, statements in reached.items()
    }
    return dict(sorted(found.items()))


def reach(script: Path, members: Sequence[Path] = (), without: Sequence[Name] = ()) -> dict[Path, list[Statement]]:
    """Return the statements that count, by file: those of the script and the members, and all that they need."""
    found: dict[Path, set[int]] = {}
    todo: list[Name] = [(file, ALL) for file in (script, *members)]
    seen = set()
    while todo:
        wanted = todo.pop()
        file, name = wanted
        if wanted in seen or (file, "") in without:
            continue
        seen.add(wanted)
        statements, rows, imported = _read(file)
        if file not in found:  # importing it runs some of it, of what it imports, and of the packages above it
            found[file] = set()
            todo += [(file, ""), *((folder / "__init__.py", "") for folder in file.parents if _is_ours(folder))]
            todo += [(other, "") for other in imported]
        left_out = {row for other, unused in without if other == file for row in rows.get(unused, ())}
        new = set(range(len(statements)) if name == ALL else rows.get(name, ())) - found[file] - left_out
        found[file] |= new
        todo += [need for row in new for need in statements[row].needs]
    return {file: [_read(file)[0][row] for row in sorted(rows)] for file, rows in found.items() if rows}


@cache
def _read(file: Path) -> tuple[list[Statement], dict[str, list[int]], set[Path]]:
    """Return the statements of a file, by name the rows of those that define it, and the files that it imports."""
    nodes = [part for node in _running(ast.parse(file.read_bytes(), file).body) for part in _split(node)]
    package = ".".join(file.relative_to(PACKAGE.parent).parent.parts) if _is_ours(file) else ""
    uses = [_uses(node, package) for node in nodes]
    imports = [use.imports for node, use in zip(nodes, uses, strict=True) if not isinstance(node, DEFINITIONS)]
    imported = {alias: _target(place) for found in imports for alias, place in found.items()}
    rows: dict[str, list[int]] = {}
    for row, node in enumerate(nodes):
        for name in _defined(node) or [""]:
            rows.setdefault(name, []).append(row)
    needs = [_needs(use, file, rows, imported) for use in uses]
    statements = [Statement(n, _tree(n), needed) for n, needed in zip(nodes, needs, strict=True)]
    return statements, rows, {target[0] for target in imported.values() if target}


def _tree(node: object) -> str:
    """Return a syntax tree as text that has nothing that depends on the version of Python."""
    if isinstance(node, ast.AST):
        fields = [(name, getattr(node, name, None)) for name in node._fields if name != "ctx"]  # ctx follows from place
        parts = [f"{name}={_tree(value)}" for name, value in fields if value is not None and value != []]
        return f"{type(node).__name__}({','.join(parts)})"
    if isinstance(node, list):
        return f"[{','.join(map(_tree, node))}]"
    return repr(node)


def _needs(use: Uses, file: Path, own: Mapping[str, object], imported: Mapping[str, Name | None]) -> frozenset[Name]:
    """Return the names that a statement needs, where a file defines its `own` names and has `imported` some of them."""
    targets = {alias: _target(place) for alias, place in use.imports.items()}
    needs = {(file, name) for name in (use.names | {owner for owner, _ in use.parts}) & own.keys()}
    needs |= {target for target in targets.values() if target}
    modules = {alias: target[0] for alias, target in {**imported, **targets}.items() if target and not target[1]}
    needs |= {(modules[owner], part) for owner, part in use.parts if owner in modules}
    needs |= {(modules[name], ALL) for name in use.names & modules.keys()}
    return frozenset(needs)


def _running(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that do something: no docstrings, and nothing that is for type checkers alone."""
    for node in body:
        match node:
            case ast.Expr(value=ast.Constant()):
                pass
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                yield from _running(node.orelse)
            case _:
                yield node


def _split(node: ast.stmt) -> list[ast.stmt]:
    """Split an import of several names into one import for each."""
    match node:
        case ast.Import():
            return [ast.Import([alias]) for alias in node.names]
        case ast.ImportFrom():
            return [ast.ImportFrom(node.module, [alias], node.level) for alias in node.names]
    return [node]


def _defined(node: ast.stmt) -> list[str]:
    """Return the names that a statement of a module defines; none where it does more than that."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Import() | ast.ImportFrom() if node.names[0].name != ALL:
            return [alias.asname or alias.name for alias in node.names]
        case ast.Assign():
            targets = [t for many in node.targets for t in (many.elts if isinstance(many, ast.Tuple) else [many])]
        case ast.AnnAssign() | ast.AugAssign():
            targets = [node.target]
        case _:
            return []
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return names if len(names) == len(targets) else []


def _uses(statement: ast.stmt, package: str) -> Uses:
    """Return what a statement uses, after removing from it what does not run."""
    names, parts, imports = found = Uses(set(), set(), {})
    todo: list[ast.AST] = [statement]
    while todo:
        node = todo.pop()
        match node:
            case ast.Name():
                names.add(node.id)
                continue
            case ast.Attribute(value=ast.Name(id=owner)):
                parts.add((owner, node.attr))
                continue
            case ast.Global():
                names.update(node.names)
            case ast.Import():  # `import a.b` gives the name a; all of a.b is taken to be used
                whole = {a.name for a in node.names if not a.asname and "." in a.name}
                imports |= {a.asname or a.name: f"{a.name}.{ALL}" if a.name in whole else a.name for a in node.names}
            case ast.ImportFrom() if package or not node.level:  # else within another distribution's package
                module = resolve_name("." * node.level + (node.module or ""), package)
                imports |= {alias.asname or alias.name: f"{module}.{alias.name}" for alias in node.names}
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                node.body = list(_running(node.body)) or [ast.Pass()]
        todo += ast.iter_child_nodes(node)
    return found


@cache
def _target(place: str) -> Name | None:
    """Return where `module` or `module.name` is; None where it is not ours."""
    if file := _file(place):
        return file, ""
    module, _, name = place.rpartition(".")
    owner = _file(module) if module else None
    return (owner, name) if owner else None


@cache
def _file(module: str) -> Path | None:
    """Return the file of a module of gancensus; nothing else of ours can be imported."""
    parts = module.split(".")
    if parts[0] != PACKAGE.name:
        return None
    path = PACKAGE.parent.joinpath(*parts)
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def _member(module: str) -> Path | None:
    """Return the file of a plug-in, ours or that of another distribution; None where that is not Python."""
    if file := _file(module):
        return file
    spec = find_spec(module)
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None


@cache
def _is_ours(path: Path) -> bool:
    """Say whether a path is in the library; in an installed package, scripts/ and workflow/ lie below that."""
    return path.is_relative_to(PACKAGE) and not path.is_relative_to(PACKAGE / "pipeline")


def _label(file: Path) -> str:
    """Return what a file is called wherever the checkout is: gancensus/search/pairs.py, scripts/pairs.py."""
    return file.relative_to(PACKAGE.parent if _is_ours(file) else file.parents[1]).as_posix()
