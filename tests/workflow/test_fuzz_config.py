"""Whatever a configuration file holds: a configuration, which Snakemake reads as we do, or errors with their lines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from snakemake.common.configfile import load_configfile

from gancensus.config.configuration import check_files, load, read
from gancensus.contracts.errors import UserError

fuzzed = settings.get_profile("fuzz")

GOOD = """\
seed: 1
pathvars: {results: out}
studies:
  digits:
    source: {kind: digits}
    splits: &splits {train: 0.5, calibrate: 0.25, holdout: 0.25}
    encoders:
      pca: {kind: pca, components: 16}
    selections:
      dense: {encoder: pca, score: {kind: gaussian}, keep: 0.5}
    generators:
      gan: {kind: dcgan, replicas: 2, train_on: dense}
      mine: {kind: files, path: "made.npy"}
    definitions:
      pixels: {euclidean: {alpha: 0.001}}
      both: {euclidean: {alpha: 0.01}, codes: {kind: euclidean, encoder: pca, alpha: 0.01}}
    fidelity: {encoder: pca}
"""
ODD = [
    *("{{ x }}", "{", "}", "[", "]", ": ", ":", "- ", "\n", "\t", "? ", "? [a, b]\n", "&a ", "*a", "*splits", "<<: "),
    *("<<: *splits\n", "!Ref ", "!!int ", "!!bool ", "!!float ''", "!!timestamp ", "!!binary ", "!!set ", "!!omap "),
    *("!!python/name:os.system ", "|\n", ">", "'", '"', "#", "%", "@", "`", "---\n", "...\n", "%YAML 1.1\n---\n", "\0"),
    *("no", "yes", "~", "null", "1e-3", "010", "1:30", "0x1f", ".inf", ".nan", "2024-02-31", "2024-01-01", "0,02"),
    *("-1", "9" * 5000, "1" + "0" * 400, '"\\ud800"', '"\\UFFFFFFFF"', '"\\0"', "\x1b[0m", "\ufeff", "\u00a0"),
    *("“x”", "~/x", "~nobody-here/x", "o{x}", "<x>", "a" * 300, "&a [*a]", "[" * 400, "__use_yte__: true\n", "=", ""),
]


def read_or_refused(path: Path) -> None:
    """Read the file; what is refused names it in every line, and what is not is the same to Snakemake."""
    try:
        config = read(path)
        check_files(config)
    except UserError as error:
        first, *lines = str(error).splitlines()
        assert lines or first.startswith(str(path))
        if first != "the configuration has errors:" and "needs the condition" not in str(error):
            assert all(line.startswith(f"  {path}:") for line in lines), error
        assert max(map(len, [first, *lines])) < 1500
        return
    assert load(load_configfile(path), [path]) == config


def written(folder: Path, text: str) -> Path:
    path = folder / "my.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
    return path


@fuzzed
@given(pieces=st.lists(st.one_of(st.sampled_from(ODD), st.text(max_size=5)), max_size=12))
def test_any_text(tmp_path: Path, pieces: list[str]) -> None:
    read_or_refused(written(tmp_path, "".join(pieces)))


@fuzzed
@given(content=st.binary(max_size=60), encoding=st.sampled_from(["utf-16", "utf-32", "latin-1", "cp037"]))
def test_any_bytes(tmp_path: Path, content: bytes, encoding: str) -> None:
    path = tmp_path / "my.yaml"
    for whole in (content, GOOD.encode(encoding), content + GOOD.encode()):
        path.write_bytes(whole)
        read_or_refused(path)


@fuzzed
@given(changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 8), st.sampled_from(ODD)), min_size=1, max_size=3))
def test_an_edited_configuration(tmp_path: Path, changes: list[tuple[float, int, str]]) -> None:
    text = GOOD
    for place, length, odd in changes:
        start = int(place * len(text))
        text = text[:start] + odd + text[start + length :]
    read_or_refused(written(tmp_path, text))


WORDS = sorted(set(re.findall(r"[\w.]+", GOOD)))


@fuzzed
@given(changes=st.dictionaries(st.sampled_from(WORDS), st.sampled_from(ODD), min_size=1, max_size=3))
def test_another_word_in_its_place(tmp_path: Path, changes: dict[str, str]) -> None:
    text = GOOD
    for word, odd in changes.items():
        text = re.sub(rf"\b{re.escape(word)}\b", odd.replace("\\", r"\\"), text, count=1)
    read_or_refused(written(tmp_path, text))


SCALARS = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.dates(), st.datetimes(), st.binary(max_size=3)),
    *(
        st.text(max_size=4),
        st.sampled_from(["digits", "pca", "files", "euclidean", "dcgan", "gan", "real.npy", "train"]),
    ),
)
KEYS = st.one_of(
    st.sampled_from(sorted({*re.findall(r"(\w+):", GOOD), "kind", "path", "types", "drop", "parts", "physics"})),
    st.one_of(st.booleans(), st.integers(), st.none(), st.dates(), st.text(max_size=3)),
)


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4))


@fuzzed
@given(
    content=st.recursive(SCALARS, nested, max_leaves=12),
    place=st.sampled_from(["", "studies", "studies.digits", "studies.digits.source", "studies.digits.generators"]),
    flow=st.booleans(),
)
def test_any_structure(tmp_path: Path, content: Any, place: str, flow: bool) -> None:
    whole = yaml.safe_load(GOOD)
    *above, last = place.split(".")
    section: Any = whole
    for key in above:
        section = section[key]
    section[last] = content
    written_as = yaml.safe_dump(whole if place else content, default_flow_style=flow, allow_unicode=True)
    read_or_refused(written(tmp_path, written_as))
