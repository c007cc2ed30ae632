"""`gancensus verify`: what was changed in a results folder is found, and named."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gancensus.cli.main import main
from gancensus.config.configuration import Config
from gancensus.contracts.samples import Samples
from gancensus.report import provenance, verify
from gancensus.search.duplicates import Share, Spaces, search
from gancensus.search.thresholds import find_thresholds
from gancensus.storage import schemas
from gancensus.storage.samples import SampleRows, write_samples
from gancensus.storage.tables import value_digest, write_table

CONFIGURATION = {
    "seed": 3,
    "studies": {
        "toy": {
            "source": {"kind": "ring", "samples": 900},
            "generators": {"mine": {"kind": "files", "path": "mine.npy"}},
            "definitions": {"near": {"euclidean": {"alpha": 0.02}, "total": {"kind": "scalar", "alpha": 0.5}}},
        }
    },
}
SIZES = {"calibrate": 300, "holdout": 260, "mine-0": 240}
SEARCHES = ["holdout", "mine-0", "mine-0~holdout"]
TABLE = "toy/duplicates/near/mine-0.parquet"


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of results with two populations in two parts each, and a report that is one word."""
    return make(tmp_path / "results", monkeypatch)


def make(folder: Path, monkeypatch: pytest.MonkeyPatch, cap: int = 10**6) -> Path:
    rng, first = np.random.default_rng(4), 0
    spaces: dict[str, Spaces] = {}
    for name, size in SIZES.items():
        samples = Samples(rng.random((size, 3), dtype=np.float32), np.arange(size)[::-1] + first)
        parts = [folder / f"toy/samples/{name}/{part}.parquet" for part in range(2)]
        for path, rows in zip(parts, np.array_split(np.arange(size), 2), strict=True):
            write_samples(path, samples.take(rows))
        spaces[name], first = {None: SampleRows(parts)}, first + size
    definition = Config.model_validate(CONFIGURATION).studies["toy"].definitions["near"]
    found = find_thresholds(definition, spaces["calibrate"], 100, 0.95, lambda name: rng, 1000, "cpu")
    write_table(folder / "toy/thresholds/near.parquet", found, schemas.THRESHOLDS)
    for name in SEARCHES:
        sides = {side: spaces[side] for side in name.split("~")}
        pairs = search(definition, found["threshold"], sides, Share(0, 1, 1000, cap, "cpu"))
        path = folder / f"toy/duplicates/near/{name}.parquet"
        write_table(path, pairs.duplicates, schemas.duplicates(definition), pairs.facts)
        write_table(folder / f"toy/repeats/near/{name}.parquet", pairs.repeats, schemas.REPEATS)
    found_rows: list[dict[str, Any]] = [
        {"study": "toy", "definition": "near", "population": name} for name in SEARCHES[:2]
    ]
    for row in found_rows:
        repeats = pq.read_table(folder / f"toy/repeats/near/{row['population']}.parquet")
        row["duplicates"] = int(np.sum(repeats["duplicates"].to_numpy())) // 2
    census = {name: [row.get(name) for row in found_rows] for name in schemas.SUPPORT.names}
    for place in ("toy/census/support.parquet", "census.parquet"):
        write_table(folder / place, census, schemas.SUPPORT)
    (folder / "toy/figures").mkdir()
    (folder / "toy/figures/support.svg").write_text("<svg/>")
    (folder / "report.html").write_text("report")
    monkeypatch.setattr("gancensus.report.page.page", lambda *_: "report")
    digest_again(folder)
    return folder


def digest_again(folder: Path) -> None:
    """Write the provenance of what is there."""
    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*.*") if path.suffix in (".parquet", ".svg")]
    facts = provenance.provenance(CONFIGURATION | {"parts": 2}, folder, files, Path(__file__).parents[2])
    (folder / "provenance.json").write_text(json.dumps(facts))


def verified(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    """Run the command; return its status and what it printed."""
    with pytest.raises(SystemExit) as end:
        main(["verify", str(folder), *options])
    status = end.value.code
    said = capsys.readouterr()
    return (status, said.out) if isinstance(status, int) else (1, str(status))


def rewritten(path: Path, rows: pa.Array | None = None, **columns: Any) -> None:
    """Write a table again with other values, as its writer would."""
    table = pq.read_table(path)
    if rows is not None:
        table = table.take(rows)
    arrays: Mapping[str, Any] = {name: columns.get(name, table[name]) for name in table.column_names}
    facts = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    write_table(path, arrays, table.schema, facts)


def test_results_that_nobody_has_touched_have_no_fault(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(6):
        status, said = verified(results, capsys, "--seed", str(seed))
        assert status == 0, said
    assert "16 of 16 files" in said
    assert "no faults found" in said
    assert f"--seed {seed}" in said
    assert verified(results, capsys, "--seed", str(seed))[1] == said
    assert "--seed" in verified(results, capsys)[1]


def test_thinned_pairs_are_compared_where_they_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make(tmp_path / "results", monkeypatch, cap=60)
    assert pq.read_schema(folder / TABLE).metadata[b"step"] != b"1"
    for seed in range(6):
        status, said = verified(folder, capsys, "--seed", str(seed))
        assert status == 0, said
    assert " by " in said


def test_a_flipped_byte_of_samples_is_found(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = results / "toy/samples/mine-0/1.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    status, said = verified(results, capsys, "--seed", "0")
    assert status == 1
    assert "changed: toy/samples/mine-0/1.parquet" in said
    assert "15 of 16" in said


def test_a_missing_file_is_named_and_so_is_one_of_no_run(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (results / "toy/samples/calibrate/0.parquet").rename(results / "toy/samples/calibrate/2.parquet")
    status, said = verified(results, capsys)
    assert status == 1
    assert "missing: toy/samples/calibrate/0.parquet" in said
    assert "not of this run: toy/samples/calibrate/2.parquet" in said
    (results / "toy/samples/calibrate/2.parquet").rename(results / "toy/samples/calibrate/0.parquet")
    (results / "toy/mine.txt").write_text("a note of the user's")
    status, said = verified(results, capsys)
    assert (status, "not of this run: toy/mine.txt" in said) == (0, True)


def test_an_edited_report_is_found(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (results / "report.html").write_text("Report")
    status, said = verified(results, capsys)
    assert (status, "changed: report.html" in said) == (1, True)


def test_tables_saved_from_python_need_no_report(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (results / "report.html").unlink()
    assert verified(results, capsys)[0] == 1
    (results / "toy/figures/support.svg").unlink()
    digest_again(results)
    status, said = verified(results, capsys)
    assert (status, "saved from Python" in said) == (0, True)


def test_a_report_of_another_version_is_not_compared(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = json.loads((results / "provenance.json").read_text())
    facts["packages"]["matplotlib"] = "1.0"
    (results / "provenance.json").write_text(json.dumps(facts))
    (results / "report.html").write_text("Report")
    status, said = verified(results, capsys)
    assert (status, "report.html not compared" in said) == (0, True)


def test_a_pair_that_was_taken_out_is_missed_whatever_the_digests_say(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pq.read_table(results / TABLE)
    i, j = (table[name][5].as_py() for name in ("i", "j"))
    rewritten(results / TABLE, np.delete(np.arange(table.num_rows), 5))
    digest_again(results)
    status, said = verified(results, capsys, "--seed", "0")
    assert status == 1
    assert "are counted" in said
    # and where the counts and the census were changed with it, the pair itself is computed again
    path = results / "toy/repeats/near/mine-0.parquet"
    repeats = pq.read_table(path)
    ids, counts = repeats["sample_id"].to_numpy(), repeats["duplicates"].to_numpy().copy()
    counts[np.isin(ids, (i, j))] -= 1
    rewritten(path, duplicates=counts)
    support = pq.read_table(results / "toy/census/support.parquet")
    fewer = [
        n - (name == "mine-0")
        for n, name in zip(*(support[c].to_pylist() for c in ("duplicates", "population")), strict=True)
    ]
    rewritten(results / "toy/census/support.parquet", duplicates=fewer)
    digest_again(results)
    said = "".join(verified(results, capsys, "--seed", str(seed))[1] for seed in range(8))
    assert f"toy, near, mine-0: pair {i}, {j} is not listed" in said
    assert "are counted" not in said


@pytest.mark.parametrize("change", ["value", "pair"])
def test_a_wrong_pair_and_a_wrong_distance_are_found(
    results: Path, capsys: pytest.CaptureFixture[str], change: str
) -> None:
    table = pq.read_table(results / TABLE)
    values = table["euclidean"].to_numpy().copy()
    values[3] = np.nextafter(values[3], 1)
    if change == "value":
        rewritten(results / TABLE, euclidean=values)
    else:
        known = set(zip(table["i"].to_pylist(), table["j"].to_pylist(), strict=True))
        ids = pq.read_table(results / "toy/repeats/near/mine-0.parquet")["sample_id"].to_pylist()
        i, j = next((a, b) for k, a in enumerate(ids) for b in ids[k + 1 :] if (a, b) not in known)
        columns = {"i": table["i"].to_numpy().copy(), "j": table["j"].to_numpy().copy()}
        columns["i"][3], columns["j"][3] = i, j
        rewritten(results / TABLE, **columns)
    digest_again(results)
    said = "".join(verified(results, capsys, "--seed", str(seed))[1] for seed in range(8))
    assert ("has another distance" if change == "value" else f"pair {i}, {j} is listed, but no duplicate") in said


def test_a_table_of_another_pyarrow_is_known_by_its_values(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = results / TABLE
    table = pq.read_table(path)
    pq.write_table(table, path, row_group_size=7, compression="snappy")
    status, said = verified(results, capsys)
    assert (status, f"changed: {TABLE}" in said) == (1, True)  # by this pyarrow, so that bytes must agree
    facts = json.loads((results / "provenance.json").read_text())
    facts["packages"]["pyarrow"] = "1.0"
    (results / "provenance.json").write_text(json.dumps(facts))
    status, said = verified(results, capsys)
    assert (status, f"with the same values: {TABLE}" in said) == (0, True)
    pq.write_table(table.slice(1), path)
    assert verified(results, capsys)[0] == 1


def test_several_scales_are_searched_at_the_loosest(results: Path) -> None:
    path = results / "toy/thresholds/near.parquet"
    listed = verify.Listed("toy", "near", "mine-0")
    definition = {"total": None, "euclidean": None}
    before = verify.loosest(results, listed, definition)  # type: ignore[arg-type]
    table = pq.read_table(path)
    smaller = table.set_column(2, table.schema.field(2), pa.array(table["threshold"].to_numpy() / 3))
    pq.write_table(pa.concat_tables([smaller, table, smaller]), path)
    assert verify.loosest(results, listed, definition) == before  # type: ignore[arg-type]


def test_what_is_no_folder_of_finished_results_is_said_in_a_line(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verified(tmp_path / "no", capsys)[1] == f"error: {tmp_path / 'no'}: no such folder"
    assert verified(tmp_path, capsys)[1].endswith(f"not a results folder; name the one in it: {results}")
    rewritten_as = json.loads((results / "provenance.json").read_text())
    (results / "provenance.json").write_text("{")
    assert "unreadable" in verified(results, capsys)[1]
    (results / "provenance.json").write_text(json.dumps(rewritten_as))
    table = pq.read_table(results / "census.parquet").replace_schema_metadata({"gancensus": "2"})
    pq.write_table(table, results / "census.parquet")
    assert "have version 2 of the file contract" in verified(results, capsys)[1]
    (results / "provenance.json").unlink()
    assert verified(results, capsys)[1] == f"error: {results}: not a results folder"
    (results / "logs").mkdir()
    assert "the run is unfinished" in verified(results, capsys)[1]
    assert verified(results, capsys, "--forceall")[1].startswith("error: --forceall: no such option")


def test_a_digest_of_values_knows_values_and_not_bytes(tmp_path: Path) -> None:
    schema = pa.schema([("a", pa.float64()), ("b", pa.string()), ("c", pa.list_(pa.int64())), ("d", pa.int64())])
    content = {
        "a": [1.0, None, 2.5, 3.0],
        "b": ["x", None, "y", ""],
        "c": [[1, 2], [], None, [3]],
        "d": [1, 2, None, 4],
    }

    def digest(rows: int = 4, compression: str = "zstd", **columns: list[Any]) -> str:
        path = tmp_path / "table.parquet"
        table = pa.table(content | columns, schema=schema)
        pq.write_table(table, path, row_group_size=rows, compression=compression)
        return value_digest(path)

    assert len({digest(), digest(1), digest(3, "snappy")}) == 1
    others = [
        digest(a=[1.0, 0.0, 2.5, 3.0]),
        digest(a=[1.0, None, 2.5, float(np.nextafter(3.0, 4))]),
        digest(a=[None, 1.0, 2.5, 3.0]),
        digest(b=["x", None, "y", None]),
        digest(c=[[1], [2], None, [3]]),
        digest(d=[1, 2, 0, 4]),
        digest(a=[2.5, None, 1.0, 3.0]),
    ]
    assert len({digest(), *others}) == 8
