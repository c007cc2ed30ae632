"""Names of samples, from the users' files to the list of near-duplicates: exactly as their owners know them."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from gancensus.audit.user_samples import as_population
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Samples
from gancensus.domains.general.generator_files import Files
from gancensus.domains.tables.source_csv import Csv
from gancensus.report.group_lists import HEAD, written
from gancensus.storage import schemas
from gancensus.storage.samples import SampleRows, read_samples, write_samples
from gancensus.storage.tables import read_table, write_table
from gancensus.storage.user_arrays import read_user_samples

Step = Callable[..., subprocess.CompletedProcess[str]]
HARD = [
    "a,b.png",
    'q"uote".png',
    "new\nline.png",
    "ünï-中.png",
    " blank .png",
    "=1+1.png",
    "-x.png",
    "@y.png",
    "+z.png",
]


def image(path: Path, seed: int, pages: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (pages, 4, 4), dtype=np.uint8)
    first, *others = map(Image.fromarray, pixels)
    options: dict[str, Any] = {"save_all": True, "append_images": others} if others else {}
    first.save(path, **options)


def test_images_are_named_as_in_their_folder_and_pages_as_people_count(tmp_path: Path) -> None:
    for name in HARD:
        image(tmp_path / name, 0)
    image(tmp_path / "dog/b/1.png", 1)
    image(tmp_path / "s.tif", 2, pages=3)
    image(tmp_path / "t.tif", 3)
    found = read_user_samples(tmp_path)
    names = [*HARD, "dog/b/1.png", *(f"s.tif page {page}" for page in (1, 2, 3)), "t.tif"]
    assert found.name is not None
    assert sorted(found.name) == sorted(names)
    for row, name in enumerate(found.name):
        file = tmp_path / name.partition(" page ")[0]
        with Image.open(file) as opened:
            opened.seek(int(name.partition(" page ")[2] or 1) - 1)
            np.testing.assert_array_equal(found.take(np.array([row])).x[0], np.asarray(opened))


def test_a_name_that_is_no_text_is_told_by_its_bytes(tmp_path: Path) -> None:
    image(tmp_path / "0.png", 0)
    (tmp_path / "0.png").rename(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    found = read_user_samples(tmp_path)
    assert found.name is not None
    assert found.name.tolist() == [r"caf\xe9.png"]


def test_rows_of_a_csv_file_are_named_by_their_line(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('# about\n\na,b\n1,u\n\n2,"v\nw"\n3,u\n')
    found = Csv(path=tmp_path / "x.csv").load(0)
    assert found.name is not None
    assert found.name.tolist() == ["line 4", "line 6", "line 8"]


def test_arrays_have_no_names(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((4, 2)))
    assert read_user_samples(tmp_path / "x.npy").name is None


def named(names: list[str]) -> Samples:
    x = np.random.default_rng(0).random((len(names), 3)).astype(np.float32)
    energy = {"energy": np.arange(len(names), dtype=np.float32)}
    samples = Samples(x, np.arange(len(names)), np.zeros(len(names), dtype=np.int32), None, energy, {"energy": "GeV"})
    return replace(samples, name=np.array(names, dtype=object))


def test_names_go_through_tables_and_parts(tmp_path: Path) -> None:
    whole, paths = named(HARD), [tmp_path / f"{part}.parquet" for part in range(2)]
    for path, rows in zip(paths, (slice(0, 4), slice(4, None)), strict=True):
        write_samples(path, whole.take(rows))
    assert pq.read_schema(paths[0]).names == ["sample_id", "label", "name", "energy", "x"]
    taken = SampleRows(paths).take(np.array([7, 2, 4]))
    for found, names in (
        (read_samples(paths), HARD),
        (SampleRows(paths).identities(), HARD),
        (taken, [HARD[7], HARD[2], HARD[4]]),
    ):
        assert found.name is not None
        assert found.name.tolist() == names
        assert list(found.conditions) == ["energy"]


def test_names_change_nothing_else_in_a_table(tmp_path: Path) -> None:
    whole = named([f"{k:090d}.png" for k in range(5000)])
    write_samples(tmp_path / "with.parquet", whole)
    write_samples(tmp_path / "without.parquet", replace(whole, name=None))
    there = pq.read_table(tmp_path / "with.parquet").drop_columns("name")
    assert there.equals(pq.read_table(tmp_path / "without.parquet"))


def test_a_condition_may_be_called_name(tmp_path: Path) -> None:
    x = np.zeros((2, 3), dtype=np.float32)
    write_samples(tmp_path / "0.parquet", Samples(x, np.arange(2), conditions={"name": np.ones(2, dtype=np.float32)}))
    found = read_samples([tmp_path / "0.parquet"])
    assert found.name is None
    assert found.conditions["name"].tolist() == [1.0, 1.0]


def test_a_sample_without_its_name_is_refused(tmp_path: Path) -> None:
    write_samples(tmp_path / "0.parquet", named(["a", "b"]))
    table = pq.read_table(tmp_path / "0.parquet")
    pq.write_table(table.set_column(2, "name", pa.array(["a", None])), tmp_path / "0.parquet")
    with pytest.raises(UserError, match="column name has 1 empty cells; every sample needs its value"):
        read_samples([tmp_path / "0.parquet"])


def test_generated_samples_keep_the_names_of_a_sample_table(tmp_path: Path) -> None:
    write_samples(tmp_path / "mine.parquet", named(HARD))
    like = replace(named(HARD), name=None)
    found = as_population(Files(path=tmp_path / "mine.parquet"), like, "mine-0").take(slice(2, 4))
    assert found.name is not None
    assert found.name.tolist() == HARD[2:4]


def table_of(names: list[str]) -> dict[str, Any]:
    count = len(names)
    return {
        "definition": ["near"] * count,
        "population": ["mine-0"] * count,
        "group": list(range(count)),
        "size": [1] * count,
        "sample_id": list(range(count)),
        "name": names,
        "row": list(range(count)),
        "distance": [0.0] * count,
        "train_id": [1, *[None] * (count - 1)],
        "train_name": [names[0], *[None] * (count - 1)],
        "train_row": [1, *[None] * (count - 1)],
        "train_distance": [1 / 3, *[None] * (count - 1)],
    }


def test_the_list_holds_every_name_and_no_formula() -> None:
    head, *rows = csv.reader(io.StringIO(written(table_of(HARD), {}), newline=""))
    assert tuple(head) == HEAD
    assert [row[4].removeprefix("./") for row in rows] == HARD
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    assert rows[0][6:] == [HARD[0], "0.333333"]
    assert rows[1][6:] == ["", ""]


def population(folder: Path, name: str, samples: Samples, parts: int) -> list[Path]:
    paths = [folder / f"{name}-{part}-of-{parts}.parquet" for part in range(parts)]
    for path, rows in zip(paths, np.array_split(np.arange(len(samples)), parts), strict=True):
        write_samples(path, samples.take(rows))
    return paths


@pytest.mark.parametrize("parts", [1, 2])
def test_the_step_names_what_it_finds(step: Step, tmp_path: Path, parts: int) -> None:
    """Of three scales the middle one counts, and files are the same for any parts."""
    made, real = named(HARD), replace(named(HARD), sample_id=np.arange(len(HARD)) + 100)
    samples = [*population(tmp_path, "train", real, parts), *population(tmp_path, "made", made, parts)]
    scales = {"strict": {"near": 0.1}, "middle": {"near": 0.5}, "loose": {"near": 1.0}}
    facts = {"samples": str(len(HARD)), "step": "1", "scales": json.dumps(scales)}
    pairs = {"own": ([1, 2, 4], [3, 3, 6], [0.1, 0.2, 0.9]), "near": ([2, 5], [104, 103], [0.3, 0.9])}
    for name, (i, j, near) in pairs.items():
        content = {"i": i, "j": j, "near": near}
        write_table(tmp_path / f"{name}.parquet", content, schemas.duplicates(["near"]), facts)
    outputs = ["--groups", tmp_path / "groups.parquet", "--list", tmp_path / "duplicates.csv"]
    options: list[object] = [
        "--definitions",
        "pixels",
        "--metrics",
        "near",
        "--populations",
        "made-0",
        "--titles",
        json.dumps({"made-0": 'my "best", 中'}),
        "--named",
        "train",
        "made-0",
    ]
    options += ["--duplicates", tmp_path / "own.parquet"]
    options += ["--train", tmp_path / "near.parquet", "--samples", *map(str, samples)]
    done = step("groups", *options, *outputs)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "duplicates.csv").read_bytes().decode().splitlines(keepends=True) == [
        "definition,generator,group,size,sample,distance,closest_in_train,distance_to_train\n",
        'pixels,"my ""best"", 中",0,3,ünï-中.png,0,,\n',
        'pixels,"my ""best"", 中",0,3,"q""uote"".png",0.1,,\n',
        'pixels,"my ""best"", 中",0,3,"new\n',
        'line.png",0.2, blank .png,0.3\n',
    ]
    rows = read_table(tmp_path / "groups.parquet").to_pylist()
    assert [(row["sample_id"], row["train_id"]) for row in rows] == [(3, None), (1, None), (2, 104)]
