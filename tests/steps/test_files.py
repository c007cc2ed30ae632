"""The contract of files: what is written, and what every bad or full file leads to."""

from __future__ import annotations

import json
import os
import pickle
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from gancensus.contracts.columns import Column
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Samples, Scale, part_rows
from gancensus.contracts.scales import scale_of
from gancensus.domains.general.encoder_pca import Pca
from gancensus.storage import schemas
from gancensus.storage.models import read_model, write_model
from gancensus.storage.samples import read_samples, write_samples
from gancensus.storage.tables import about, columns, read_table, write_bytes, write_table
from gancensus.training.loop import architecture

Step = Callable[..., subprocess.CompletedProcess[str]]
Mount = Callable[[Path, str], AbstractContextManager[None]]
Make = Callable[[Path], object]
SCALE = Scale(("a", "b"), ("mm", "kg/m^2"), (0.0, -1.5), (10.0, 1.5))
TYPED = scale_of(
    [
        Column("age", "integer", "years", 20.0, 60.0, 0),
        Column("bmi", "continuous", "kg/m^2", -0.1, 1 / 3, None),
        Column("town", "nominal", categories=("", "B,onn", "köln")),
        Column("grade", "ordinal", categories=("low", "high")),
    ]
)


def samples(n: int = 6, shape: tuple[int, ...] = (2,), first: int = 0) -> Samples:
    rng = np.random.default_rng(n)
    label = rng.integers(0, 3, n).astype(np.int32)
    return Samples(rng.standard_normal((n, *shape), dtype=np.float32), np.arange(first, first + n), label, SCALE)


def tensor(shape: tuple[int, ...], *values: float | None) -> pa.Array:
    """Samples of a shape from their values, one after the other."""
    kind = pa.fixed_shape_tensor(pa.float32(), shape)
    size = int(np.prod(shape))
    return pa.ExtensionArray.from_storage(kind, pa.FixedSizeListArray.from_arrays(pa.array(values, pa.float32()), size))


def table(path: Path, **content: Any) -> None:
    """Write a Parquet file that need not keep the contract."""
    pq.write_table(pa.table(content), path)


def said(error: pytest.ExceptionInfo[UserError], path: Path) -> str:
    """What a UserError says: one line that names the file."""
    message = str(error.value)
    assert "\n" not in message
    assert str(path) in message
    return message


# Round trips


@given(
    npst.arrays(np.float32, st.tuples(*[st.integers(1, 4)] * 3), elements=st.floats(-1, 1, width=32)),
    st.booleans(),
    st.sampled_from([None, SCALE]),
)
def test_sample_tables_round_trip(
    tmp_path_factory: pytest.TempPathFactory, x: Any, labelled: bool, scale: Scale | None
) -> None:
    path = tmp_path_factory.getbasetemp() / "round" / "trip.parquet"
    ids = np.arange(len(x)) * 10**18 - 5
    written = Samples(x, ids, np.arange(len(x), dtype=np.int32) if labelled else None, scale)
    write_samples(path, written)
    read = read_samples([path])
    for name in ("x", "sample_id", "label"):
        one, other = getattr(written, name), getattr(read, name)
        assert one is other is None or (one.dtype == other.dtype and np.array_equal(one, other))
    assert read.scale == scale


def test_columns_of_typed_tables_round_trip(tmp_path: Path) -> None:
    write_samples(tmp_path / "x.parquet", Samples(np.zeros((3, 6), np.float32), np.arange(3), scale=TYPED))
    assert read_samples([tmp_path / "x.parquet"]).scale == TYPED


def test_a_scale_without_columns_says_nothing_of_them(tmp_path: Path) -> None:
    write_samples(tmp_path / "x.parquet", samples())
    assert about(tmp_path / "x.parquet")["scale"] == (
        '{"names": ["a", "b"], "units": ["mm", "kg/m^2"], "low": [0.0, -1.5], "high": [10.0, 1.5]}'
    )


@pytest.mark.parametrize("shape", [(3,), (4, 4), (2, 3, 2)])
def test_parts_make_a_population_also_when_there_are_more_than_blocks(tmp_path: Path, shape: tuple[int, ...]) -> None:
    whole = samples(600, shape)
    paths = [tmp_path / f"{part}.parquet" for part in range(5)]
    for part, path in enumerate(paths):
        write_samples(path, whole.take(part_rows(600, part, 5)))
    assert [len(read_samples([path])) for path in paths].count(0) == 2
    read = read_samples(paths)
    np.testing.assert_array_equal(read.x, whole.x)
    np.testing.assert_array_equal(read.sample_id, whole.sample_id)
    np.testing.assert_array_equal(read.label, whole.label)
    assert read.scale == whole.scale


def test_result_tables_round_trip_with_nulls_units_and_facts(tmp_path: Path) -> None:
    row: dict[str, Any] = dict.fromkeys(schemas.SUPPORT.names, 1.5) | {"ratio": None, "verdict": None}
    row |= {"study": "a", "definition": "b", "population": "c", "samples": 3, "pairs": 3, "duplicates": 0}
    row["batch_half"] = None
    path = tmp_path / "new" / "folder" / "support.parquet"
    write_table(path, {name: [value, value] for name, value in row.items()}, schemas.SUPPORT, {"fact": "42"})
    read = columns(path)
    assert list(read) == schemas.SUPPORT.names
    assert read["collision"].tolist() == [1.5, 1.5]
    assert np.isnan(read["ratio"]).all()
    assert np.isnan(read["batch_half"]).all()
    assert read["verdict"].tolist() == [None, None]
    assert about(path)["fact"] == "42"
    assert read_table(path).schema.equals(schemas.SUPPORT)


@pytest.mark.parametrize(
    "schema",
    [
        schemas.SUPPORT,
        schemas.CURVE,
        schemas.selection("nat"),
        schemas.THRESHOLDS,
        schemas.FIDELITY,
        schemas.duplicates(["a"]),
        schemas.history(["b"]),
    ],
)
def test_every_column_has_its_unit_in_the_file(tmp_path: Path, schema: pa.Schema) -> None:
    path = tmp_path / "empty.parquet"
    write_table(path, {name: [] for name in schema.names}, schema)
    assert all(field.metadata[b"unit"] for field in read_table(path).schema)


def test_models_round_trip(tmp_path: Path) -> None:
    weights = {"b.w": np.arange(6.0).reshape(2, 3).T, "a.n": np.array(3), "a.b": np.zeros((0, 2), dtype=np.float32)}
    write_model(tmp_path / "model.safetensors", weights, "layers")
    read = read_model(tmp_path / "model.safetensors", "layers")
    assert list(read) == sorted(weights)
    for name, value in weights.items():
        assert read[name].dtype == value.dtype
        np.testing.assert_array_equal(read[name], value)


# Sameness


def test_equal_content_gives_equal_bytes_that_tell_nothing_else(tmp_path: Path) -> None:
    def write(folder: Path) -> list[bytes]:
        write_samples(folder / "samples.parquet", samples(1000))
        write_model(folder / "model.safetensors", {"b": np.ones(3), "a": np.zeros(2)}, "layers")
        write_table(folder / "t.parquet", {"i": [1], "j": [2], "m": [0.5]}, schemas.duplicates(["m"]), {"samples": "9"})
        return [path.read_bytes() for path in sorted(folder.iterdir())]

    first = write(tmp_path / "one")
    again = write(tmp_path / "one")
    elsewhere = write(tmp_path / "other place")
    assert first == again == elsewhere
    write_samples(tmp_path / "copy.parquet", read_samples([tmp_path / "one" / "samples.parquet"]))
    assert (tmp_path / "copy.parquet").read_bytes() == first[1]
    for content in first:
        assert socket.gethostname().encode() not in content
        assert b"one" not in content
        assert tmp_path.name.encode() not in content


def test_another_process_writes_the_same_bytes(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from test_files import samples;"
        "import gancensus.storage.samples as f; f.write_samples(Path(sys.argv[1]), samples(100))"
    )
    write_samples(tmp_path / "here.parquet", samples(100))
    command = [sys.executable, "-c", code, str(tmp_path / "there.parquet")]
    subprocess.run(command, check=True, cwd=Path(__file__).parent, env={"TZ": "Asia/Tokyo", "LC_ALL": "C"})
    assert (tmp_path / "there.parquet").read_bytes() == (tmp_path / "here.parquet").read_bytes()


# Writing whole or not at all


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, as a quota does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


BIG = samples(20_000)
WRITERS: list[Any] = [
    pytest.param(lambda path: write_samples(path, BIG), id="table"),
    pytest.param(lambda path: write_bytes(path, BIG.x.tobytes()), id="bytes"),
    pytest.param(lambda path: write_model(path, {"x": BIG.x}, "layers"), id="model"),
]


@pytest.mark.parametrize("write", WRITERS)
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(write: Make, tmp_path: Path) -> None:
    path = tmp_path / "out"
    write(path)
    before = path.read_bytes()
    with small_files(20_000), pytest.raises(UserError) as error:
        write(path)
    assert "File too large" in said(error, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    with small_files(20_000), pytest.raises(UserError):
        write(tmp_path / "new")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("write", WRITERS)
def test_a_full_disk(write: Make, tmp_path: Path, mounted: Mount) -> None:
    with mounted(tmp_path, "size=64k"):
        with pytest.raises(UserError) as error:
            write(tmp_path / "out")
        assert "No space left on device; make room or choose another results folder" in said(error, tmp_path / "out")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("name", ["out", "new/out"])
def test_a_read_only_disk(write: Make, name: str, tmp_path: Path, mounted: Mount) -> None:
    with mounted(tmp_path, "ro"), pytest.raises(UserError) as error:
        write(tmp_path / name)
    assert "Read-only file system" in said(error, tmp_path / name)


@pytest.mark.parametrize("write", WRITERS)
def test_a_file_where_a_folder_should_be(write: Make, tmp_path: Path) -> None:
    (tmp_path / "results").write_text("mine")
    with pytest.raises(UserError) as error:
        write(tmp_path / "results" / "out")
    said(error, tmp_path / "results" / "out")
    assert (tmp_path / "results").read_text() == "mine"


@pytest.mark.parametrize("write", WRITERS)
def test_a_folder_where_a_file_should_be(write: Make, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(UserError) as error:
        write(tmp_path / "out")
    assert "Is a directory" in said(error, tmp_path / "out")
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


# Bad sample tables: how each is made, and what the message says of it

IDS = pa.array([4, 5, 6])
X = tensor((2,), 0, 1, 2, 3, 4, 5)


def truncated(path: Path) -> None:
    write_samples(path, samples(1000))
    path.write_bytes(path.read_bytes()[:-200])


def flipped(path: Path) -> None:
    """One bit of the data is wrong, as on a bad disk: the checksum of the page tells."""
    write_samples(path, samples(1000))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def with_scale(path: Path, scale: str) -> None:
    schema = pa.schema([("sample_id", pa.int64()), ("x", X.type)], metadata={"scale": scale})
    pq.write_table(pa.table({"sample_id": IDS, "x": X}, schema=schema), path)


BAD: dict[str, tuple[Make, str]] = {
    "missing": (lambda p: None, "no such file"),
    "empty": (lambda p: p.write_bytes(b""), "not a readable Parquet file"),
    "text": (lambda p: p.write_text("sample_id,x\n1,2\n" * 99), "not a readable Parquet file"),
    "pickle": (lambda p: p.write_bytes(pickle.dumps([1] * 99)), "not a readable Parquet file"),
    "truncated": (truncated, "not a readable Parquet file, perhaps truncated"),
    "flipped": (flipped, "not a readable Parquet file"),
    "nan": (lambda p: table(p, sample_id=IDS, x=tensor((2,), 0, 1, 2, np.nan, 4, 5)), "column x, row 1: NaN or infi"),
    "infinity": (
        lambda p: table(p, sample_id=IDS, x=tensor((2,), 0, 1, 2, 3, 4, np.inf)),
        "column x, row 2: NaN or inf",
    ),
    "duplicate": (lambda p: table(p, sample_id=[4, 7, 7], x=X), "column sample_id: 7 appears twice"),
    "no id": (lambda p: table(p, x=X), "column sample_id is missing"),
    "no x": (lambda p: table(p, sample_id=IDS), "column x is missing"),
    "float id": (lambda p: table(p, sample_id=[1.0, 2.0, 3.0], x=X), "column sample_id is double, it must be int64"),
    "text id": (lambda p: table(p, sample_id=["a", "b", "c"], x=X), "column sample_id is string, it must be int64"),
    "double x": (
        lambda p: table(p, sample_id=IDS, x=[[1.0], [2.0], [3.0]]),
        "column x is list<element: double>, it must be a fixed-shape tensor of float32",
    ),
    "plain x": (
        lambda p: table(p, sample_id=IDS, x=pa.array([1.0] * 3, pa.float32())),
        "column x is float, it must be",
    ),
    "float label": (
        lambda p: table(p, sample_id=IDS, x=X, label=[0.5] * 3),
        "column label is double, it must be int32",
    ),
    "text label": (lambda p: table(p, sample_id=IDS, x=X, label=["a"] * 3), "column label is string, it must be int32"),
    "null id": (lambda p: table(p, sample_id=[1, None, 3], x=X), "column sample_id has 1 empty cells"),
    "null x": (lambda p: table(p, sample_id=IDS, x=tensor((2,), 0, 1, None, 3, 4, None)), "column x has 2 empty cells"),
    "null sample": (
        lambda p: table(p, sample_id=IDS, x=pa.concat_arrays([X[:2], pa.nulls(1, X.type)])),
        "column x has 1 empty cells",
    ),
    "null label": (
        lambda p: table(p, sample_id=IDS, x=X, label=pa.array([1, 2, None], pa.int32())),
        "column label has 1 empty cells",
    ),
    "scale": (lambda p: with_scale(p, '{"names": 1}'), "the scale in its metadata is unreadable"),
    "columns": (
        lambda p: with_scale(p, json.dumps(asdict(TYPED)).replace('["", ', "[")),
        "the scale in its metadata is unreadable",
    ),
    "column without a type": (
        lambda p: with_scale(p, json.dumps(asdict(TYPED)).replace('"type"', '"kind"')),
        "the scale in its metadata is unreadable",
    ),
    "other columns": (
        lambda p: with_scale(p, json.dumps(asdict(TYPED))),
        "column x has shape (2,), but the columns in its metadata 6 values; recreate the file",
    ),
}


@pytest.fixture(params=BAD)
def bad(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    make, message = BAD[request.param]
    path = tmp_path / "bad.parquet"
    make(path)
    return path, message


def test_bad_sample_tables(bad: tuple[Path, str]) -> None:
    path, message = bad
    with pytest.raises(UserError) as error:
        read_samples([path])
    assert said(error, path).startswith(f"{path}: {message}")


def test_two_that_write_one_file_leave_a_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.[0]"
    under_way, gone_on = threading.Event(), threading.Event()
    second = threading.Thread(target=write_bytes, args=(path, b"whole"))

    def fsync(file: int) -> None:
        if threading.current_thread() is second:  # half-written
            under_way.set()
            gone_on.wait(20)
        else:
            monkeypatch.setattr(os, "getpid", lambda: 1)  # on another node, where the job was started anew meanwhile
            second.start()
            under_way.wait(20)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(UserError, match="cannot write"):
        write_bytes(path, b"first")
    assert not path.exists()
    gone_on.set()
    second.join()
    assert [(left.name, left.read_bytes()) for left in tmp_path.iterdir()] == [(path.name, b"whole")]


def test_what_a_killed_writer_has_left_is_removed(tmp_path: Path) -> None:
    for name in ("3.parquet.n1-7.tmp", "33.parquet.n1-7.tmp"):
        (tmp_path / name).touch()
    write_bytes(tmp_path / "3.parquet", b"")
    assert {path.name for path in tmp_path.iterdir()} == {"3.parquet", "33.parquet.n1-7.tmp"}


def failed(run: subprocess.CompletedProcess[str], outputs: list[Path]) -> str:
    """What a step that a user has to fix says: one line, and nothing is left of its outputs."""
    assert run.returncode == 1, run.stderr
    assert run.stdout == ""
    (line,) = run.stderr.splitlines()
    assert line.startswith("error: ")
    for output in outputs:
        assert not output.exists()
        assert not list(output.parent.glob("*.tmp"))
    return line.removeprefix("error: ")


SCORE = json.dumps({"kind": "gaussian"})
CUT = '{"keep": 0.5}'
CHOICE = ("--study", "s", "--name", "dense", "--seed", 0, "--score", SCORE, "--cut", CUT)


def test_bad_sample_tables_stop_a_step(bad: tuple[Path, str], tmp_path: Path, step: Step) -> None:
    path, message = bad
    output = tmp_path / "out.parquet"
    run = step("selection", *CHOICE, "--embedded", path, "--output", output)
    assert failed(run, [output]).startswith(f"{path}: {message}")


def test_parts_that_do_not_fit(tmp_path: Path, step: Step) -> None:
    one, other, same = (tmp_path / f"{name}.parquet" for name in ("one", "other", "same"))
    write_samples(one, samples(4, (2, 3)))
    write_samples(other, samples(4, (3, 2), first=4))
    write_samples(same, samples(4, (2, 3), first=3))
    with pytest.raises(UserError) as shape:
        read_samples([one, other])
    assert said(shape, one) == (
        f"{other}: column x has shape (3, 2), but {one} has (2, 3); all parts of a population need one shape"
    )
    with pytest.raises(UserError) as repeated:
        read_samples([one, same])
    assert said(repeated, same) == f"{one}, {same}: column sample_id: 3 appears twice; every sample needs its own"
    output = tmp_path / "out.parquet"
    for second, error in ((other, shape), (same, repeated)):
        run = step("selection", *CHOICE, "--embedded", one, second, "--output", output)
        assert failed(run, [output]) == str(error.value)


# Bad models


def pca(path: Path, architecture: str) -> None:
    write_model(path, {"mean": np.zeros(2), "components": np.eye(2)}, architecture)


def cut(path: Path) -> None:
    pca(path, "pca of 2")
    path.write_bytes(path.read_bytes()[:-5])


BAD_MODELS: dict[str, tuple[Make, str]] = {
    "missing": (lambda p: None, "not a readable model file"),
    "empty": (lambda p: p.write_bytes(b""), "not a readable model file"),
    "pickle": (lambda p: p.write_bytes(pickle.dumps({"w": [1] * 99})), "not a readable model file"),
    "truncated": (cut, "not a readable model file"),
    "other": (lambda p: pca(p, "pca of 3"), "holds the model pca of 3, but the configuration asks for"),
}


@pytest.mark.parametrize("name", BAD_MODELS)
def test_bad_models(name: str, tmp_path: Path, step: Step) -> None:
    make, message = BAD_MODELS[name]
    model, source, output = (tmp_path / name for name in ("m.safetensors", "samples.parquet", "out.parquet"))
    make(model)
    with pytest.raises(UserError) as error:
        read_model(model, "pca of 2")
    assert said(error, model).startswith(f"{model}: {message}")
    write_samples(source, samples())
    encoder = Pca(components=2).model_dump_json()
    run = step(
        "embed",
        "--encoder",
        encoder,
        "--generator",
        "--device",
        "cpu",
        "--parts",
        1,
        "--model",
        model,
        "--samples",
        source,
        "--whole",
        "--output",
        output,
    )
    assert failed(run, [output]).startswith(f"{model}: {message}")


def test_a_part_without_samples_passes_through_a_step(tmp_path: Path, step: Step) -> None:
    """More parts than blocks: the last ones are empty, and every step passes them on."""
    model, source, output = (tmp_path / name for name in ("m.safetensors", "samples.parquet", "out.parquet"))
    encoder = Pca(components=2)
    pca(model, architecture(encoder, (2,)))
    write_samples(source, samples(0))
    options = (
        "--encoder",
        encoder.model_dump_json(),
        "--generator",
        "--device",
        "cpu",
        "--parts",
        1,
        "--model",
        model,
        "--samples",
        source,
        "--whole",
    )
    run = step("embed", *options, "--output", output)
    assert (run.returncode, run.stderr) == (0, "")
    assert read_samples([output]).x.shape == (0, 2)


# A full disk under a step


def full(process: Step, tmp_path: Path, **kwargs: Any) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Run a step that writes 400 kB to the folder `full`."""
    source, output = tmp_path / "samples.parquet", tmp_path / "full" / "out.parquet"
    write_samples(source, BIG)
    run = process("selection", *CHOICE, "--embedded", source, "--output", output, **kwargs)
    return run, output


def test_a_full_disk_stops_a_step(tmp_path: Path, process: Step, mounted: Mount) -> None:
    (tmp_path / "full").mkdir()
    with mounted(tmp_path / "full", "size=64k"):
        run, output = full(process, tmp_path)
        assert failed(run, [output]).startswith(f"cannot write {output}: No space left on device; make room")


def test_a_read_only_disk_stops_a_step(tmp_path: Path, process: Step, mounted: Mount) -> None:
    (tmp_path / "full").mkdir()
    with mounted(tmp_path / "full", "ro"):
        run, output = full(process, tmp_path)
        assert failed(run, [output]).startswith(f"cannot write {output}: Read-only file system")


def test_a_quota_stops_a_step(tmp_path: Path, process: Step) -> None:
    run, output = full(
        process,
        tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY)),
    )
    assert failed(run, [output]).startswith(f"cannot write {output}: File too large")
