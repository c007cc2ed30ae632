"""When each job ran: what steps write beside their logs, the table of it, and its figure."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from gancensus.plotting import style
from gancensus.report import run_figures, sentences, trace
from gancensus.storage import schemas
from gancensus.storage.tables import columns, write_table

SCRIPTS = Path(__file__).parents[2] / "scripts"
NOON = "2026-01-01T12:00:00.000000+00:00"


def line(minute: int, end: int | None = None, outcome: str = "done", **facts: Any) -> str:
    """A line as a step writes it, so many minutes after noon."""
    began = {"start": f"2026-01-01T12:{minute:02}:00.000000+00:00", "node": "n1", "slurm_job": None, "pid": 1} | facts
    if end is None:
        return json.dumps(began)
    ended = {"end": f"2026-01-01T12:{end:02}:00.000000+00:00", "cpu": 50.0, "peak_memory": 200.0, "outcome": outcome}
    return json.dumps(began | ended)


def test_every_execution_is_a_row_and_attempts_count_from_the_last_that_was_done() -> None:
    lines = [
        *(line(0), line(0, 1, "error")),
        *(line(2), line(3), line(3, 4, "stopped")),  # the one at 2 was killed
        *(line(5), line(5, 6)),
        *('{"start": "2026-01-01T12', "", "[]", "7", '{"node": 1}'),  # torn by a full disk
        line(8, 9, slurm_job="17", node="n2"),  # the line of its start was lost
    ]
    found = trace.columns({"toy/train/gan-0": lines})
    assert found["outcome"] == ["error", "killed", "stopped", "done", "done"]
    assert found["attempt"] == [1, 2, 3, 4, 1]
    assert [time.minute for time in found["start"]] == [0, 2, 3, 5, 8]
    assert [time and time.minute for time in found["end"]] == [1, None, 4, 6, 9]
    assert found["cpu"] == [50.0, None, 50.0, 50.0, 50.0]
    assert found["slurm_job"] == [None] * 4 + ["17"]
    assert found["node"] == ["n1"] * 4 + ["n2"]


def test_two_executions_that_began_together_are_two() -> None:
    lines = [line(0, node="n1"), line(0, node="n2"), line(0, 1, node="n2")]
    assert [row["outcome"] for row in trace.executions(lines)] == ["killed", "done"]


def test_a_log_names_study_rule_and_wildcards() -> None:
    found = trace.columns(
        {
            "toy/embed/vae/gan-0-1": [line(3, 4)],
            "toy/census": [line(2, 3)],
            "collect_census": [line(1, 2)],
        }
    )
    assert found["study"] == [None, "toy", "toy"]
    assert found["rule"] == ["collect_census", "census", "embed"]
    assert found["names"] == ["", "", "vae/gan-0-1"]


def test_collect_trace_takes_what_is_named_and_writes_units(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    for name in ("toy/train/a-0", "old/train/a-0", "report", "collect_census"):
        (logs / name).parent.mkdir(parents=True, exist_ok=True)
        (logs / f"{name}.jsonl").write_text(f"{line(1)}\n{line(1, 3)}\n")
        (logs / f"{name}.log").write_text("said\n")
    command: list[str | Path] = [sys.executable, SCRIPTS / "collect_trace.py", "--beside", logs / "collect_trace.log"]
    outputs: list[str | Path] = ["--output", tmp_path / "trace.parquet", "--timeline", tmp_path / "timeline.svg"]
    subprocess.run([*command, *outputs, "--names", "toy", "collect_census"], check=True)
    assert (tmp_path / "timeline.svg").read_bytes().startswith(b"<?xml")
    table = pq.read_table(tmp_path / "trace.parquet")
    assert table["study"].to_pylist() == [None, "toy"]
    assert table["start"].to_pylist() == [datetime(2026, 1, 1, 12, 1, tzinfo=UTC)] * 2
    units = {field.name: field.metadata[b"unit"].decode() for field in table.schema}
    assert (units["cpu"], units["peak_memory"], units["start"]) == ("s", "MiB", "us")
    assert tuple(table.column_names) == trace.COLUMNS


STEP = """
import sys, time
import gancensus.config.steps as step
def done(argv):
    filled = bytearray(300 << 20)
    filled[::4096] = b"x" * len(filled[::4096])
    until = time.process_time() + 0.3
    while time.process_time() < until: pass
def error(argv): raise step.UserError("no")
def bug(argv): raise KeyError
def stopped(argv): raise SystemExit(143)
def usage(argv): step.arguments("", argv, number=int)
def help(argv): raise SystemExit(0)
step.run(globals()[sys.argv[1]])
"""


def run(folder: Path, what: str, log: str = "job.log", **environment: str) -> list[dict[str, Any]]:
    """Run a step with its output in a log, as rules do, and return what it has left beside it."""
    (folder / "it.py").write_text(STEP)
    with (folder / log).open("w") as stdout:
        subprocess.run(
            [sys.executable, "it.py", what], cwd=folder, stdout=stdout, stderr=stdout, check=False, env=environment
        )
    left = folder / "job.jsonl"
    return [json.loads(text) for text in left.read_text().splitlines()] if left.exists() else []


@pytest.mark.parametrize(
    ("what", "outcome"),
    [
        ("error", {"outcome": "error", "error": "no"}),
        ("bug", {"outcome": "bug", "error": "KeyError"}),
        ("stopped", {"outcome": "stopped"}),
        ("usage", {"outcome": "error"}),
        ("help", {"outcome": "done"}),
    ],
)
def test_a_step_writes_how_it_ended(what: str, outcome: dict[str, str], tmp_path: Path) -> None:
    began, ended = run(tmp_path, what, SLURMD_NODENAME="n7", SLURM_JOB_ID="17")
    assert {name: ended[name] for name in ("outcome", "error") if name in ended} == outcome
    assert ended.items() >= began.items()
    assert (began["node"], began["slurm_job"]) == ("n7", "17")
    assert "outcome" not in began


def test_a_step_measures_itself(tmp_path: Path) -> None:
    before = datetime.now(UTC)
    _, ended = run(tmp_path, "done")
    start, end = (datetime.fromisoformat(ended[name]) for name in ("start", "end"))
    assert before <= start < end <= datetime.now(UTC)
    assert (end - start).total_seconds() >= 0.3
    assert 0.3 <= ended["cpu"] < 30
    assert 300 < ended["peak_memory"] < 800
    assert (ended["node"], ended["slurm_job"]) == (socket.gethostname(), None)
    _, _, _, again = run(tmp_path, "error")  # appended
    assert again["outcome"] == "error"
    small = again["peak_memory"]

    # A shell may become the step by exec, and then ru_maxrss holds what the shell's parent had.
    grown = f"""
import subprocess
filled = bytearray(900 << 20)
filled[::4096] = b"x" * len(filled[::4096])
subprocess.run("exec {sys.executable} it.py error > job.log 2>&1", shell=True)
"""
    subprocess.run([sys.executable, "-c", grown], cwd=tmp_path, check=True)
    last = json.loads((tmp_path / "job.jsonl").read_text().splitlines()[-1])
    assert last["peak_memory"] < small + 100


def test_by_hand_nothing_is_written(tmp_path: Path) -> None:
    assert run(tmp_path, "error", log="job.txt") == []
    subprocess.run([sys.executable, "it.py", "error"], cwd=tmp_path, capture_output=True, check=False)
    assert {path.name for path in tmp_path.iterdir()} == {"it.py", "job.txt"}


SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10)).map(lambda s: (float(s[0]), float(s[0] + s[1]))))


@given(SPANS)
def test_lanes_are_as_few_as_can_be_and_nothing_overlaps(spans: list[tuple[float, float]]) -> None:
    found = trace.lanes(spans)
    at_once = [sum(start <= moment + 0.5 < end for start, end in spans) for moment in range(41)]
    assert len(set(found)) == max(at_once)
    assert set(found) == set(range(max(at_once)))
    for lane in set(found):
        moments = [m for k, (start, end) in enumerate(spans) if found[k] == lane for m in range(int(start), int(end))]
        assert len(set(moments)) == len(moments)


@given(SPANS, st.integers(0, 5))
def test_union_and_breaks_are_what_a_clock_sees(spans: list[tuple[float, float]], longest: int) -> None:
    ticks = {m for start, end in spans for m in range(int(start), int(end))}
    assert sum(end - start for start, end in trace.union(spans)) == len(ticks)
    idle = "".join(" x"[m in ticks] for m in range(41)).strip().split("x")
    assert [end - start for start, end in trace.breaks(spans, longest)] == [len(i) for i in idle if len(i) > longest]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0.1, "1 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (192, "3 min 12 s"), (7500, "2 h 5 min")),
        *((172799, "47 h 59 min"), (172800, "2 d 0 h"), (200000, "2 d 7 h")),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert trace.duration(seconds) == text


def table(path: Path, rows: Sequence[tuple[str, str, float, float | None, str]]) -> dict[str, Any]:
    """A table of executions: node, rule, from when to when in seconds, outcome; as the figure reads it."""
    noon = datetime.fromisoformat(NOON)
    made: dict[str, list[Any]] = {name: [] for name in schemas.TRACE.names}
    for k, (node, rule, start, end, outcome) in enumerate(rows):
        row = {"study": "toy", "rule": rule, "names": str(k), "attempt": 1, "node": node, "outcome": outcome}
        row |= {"start": noon + timedelta(seconds=start), "end": None, "cpu": None, "peak_memory": None}
        if end is not None:
            row |= {"end": noon + timedelta(seconds=end), "cpu": end - start, "peak_memory": 100.0 + k}
        for name, values in made.items():
            values.append(row.get(name))
    write_table(path, made, schemas.TRACE)
    return columns(path)


def bars(figure: Figure) -> dict[tuple[float, float], tuple[float, list[float]]]:
    """Where bars begin and in which lane: where they end, and their colour."""
    found = {}
    for collection in figure.axes[0].collections:
        if isinstance(collection, PolyCollection):
            for path in collection.get_paths():
                corners = np.asarray(path.vertices)
                (left, low), (right, high) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
                colour = np.asarray(collection.get_facecolor())[0, :3].tolist()
                found[round(left, 3), round((low + high) / 2, 3)] = (right, colour)
    return found


def marks(figure: Figure, marker: str) -> list[float]:
    """Where the lines with a marker lie."""
    return sorted(
        x
        for line in figure.axes[0].lines
        if line.get_marker() == marker
        for x in np.unique(np.asarray(line.get_xdata()))
    )


def test_timeline_stacks_what_ran_at_once_by_node(tmp_path: Path) -> None:
    rows = [
        ("n10", "train", 0, 60, "done"),
        *(("n2", "pairs", 0, 120, "done"), ("n2", "pairs", 60, 180, "error"), ("n2", "census", 120, 240, "done")),
        ("n2", "draw", 200, None, "killed"),
    ]
    figure = run_figures.draw_timeline(table(tmp_path / "t.parquet", rows))
    (ax,) = figure.axes
    assert ax.get_xlabel() == "minutes since the first job began"
    found = bars(figure)
    assert {at: round(right, 3) for at, (right, _) in found.items()} == {
        (0, 0): 2,
        (1, 1): 3,
        (2, 0): 4,
        (0, 2): 1,
        (3.333, 1): 3.333,  # killed: nothing is known but that it began
    }
    assert found[1, 1][1] == [1, 1, 1]  # failed: hollow
    assert found[0, 0][1] == pytest.approx([0, 0x72 / 255, 0xB2 / 255])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["n2", "n10"]
    np.testing.assert_allclose(marks(figure, "x"), [3, 200 / 60], atol=1e-6)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        *("train", "search for pairs", "census", "draw", "failed, stopped or killed")
    ]


def test_timeline_leaves_out_long_idle_times_and_says_how_long_they_were(tmp_path: Path) -> None:
    day = 86400.0
    rows = [
        *(("n1", "train", 0, 600, "done"), ("n1", "pairs", 610, 1200, "done")),
        *(("n1", "pairs", 3 * day, 3 * day + 600, "done"), ("n1", "census", 4 * day, 4 * day + 600, "done")),
    ]
    figure = run_figures.draw_timeline(table(tmp_path / "t.parquet", rows))
    (ax,) = figure.axes
    assert ax.get_xlabel() == "minutes since the first job began, long idle times left out"
    assert [text.get_text() for text in ax.texts] == ["2 d 23 h later", "23 h 50 min later"]
    lefts, rights = zip(*[(left, right) for (left, _), (right, _) in sorted(bars(figure).items())], strict=True)
    np.testing.assert_allclose(np.subtract(rights, lefts), [10, 590 / 60, 10, 10], atol=2e-3)  # nothing is squeezed
    gaps = np.subtract(lefts[1:], rights[:-1])
    np.testing.assert_allclose(gaps[0], 1 / 6, atol=2e-3)  # a short one stays
    assert 0 < gaps[1] == pytest.approx(gaps[2], abs=2e-3)
    assert gaps[1] < 3
    middles = [rights[1] + gaps[1] / 2, rights[2] + gaps[2] / 2]
    np.testing.assert_allclose(marks(figure, "None"), middles, atol=1e-3)


@pytest.mark.parametrize("executions", [0, 1, 2000])
def test_timeline_of_any_size_fits(executions: int, tmp_path: Path) -> None:
    rows = [(f"n{k % 300}", "pairs", float(k // 300), k // 300 + 0.9, "done") for k in range(executions)]
    figure = run_figures.draw_timeline(table(tmp_path / "t.parquet", rows))
    written = style.svg(figure)
    assert written == style.svg(run_figures.draw_timeline(columns(tmp_path / "t.parquet")))
    assert figure.get_figheight() <= 8
    labels = [text.get_window_extent() for text in figure.axes[0].get_yticklabels()]
    assert all(above.y0 >= below.y1 - 1 for above, below in pairwise(labels))
    assert min(executions, 30) <= len(labels) <= executions
    assert len(bars(figure)) == executions


def test_words_say_what_the_table_says(tmp_path: Path) -> None:
    table(
        tmp_path / "t.parquet",
        [
            *(("n1", "train", 0, 600, "done"), ("n1", "pairs", 300, 500, "error"), ("n1", "pairs", 900, 1000, "done")),
            ("n1", "census", 900, None, "killed"),
        ],
    )
    rows = pq.read_table(tmp_path / "t.parquet").to_pylist()
    assert sentences.timeline(rows) == (
        "4 jobs used 15 min 0 s of processor time within 11 min 40 s in which something ran. "
        "66.7 % of the time of all jobs went to train. The largest memory was 102 MiB, in pairs 2 of toy. "
        "2 attempts of 4 failed, were stopped or killed."
    )
    assert [(r["rule"], r["jobs"], r["executions"], r["failed"], r["time"]) for r in trace.by_rule(rows)] == [
        *(("train", 1, 1, 0, 600), ("pairs", 2, 2, 1, 300), ("census", 1, 1, 1, 0)),
    ]
    assert sentences.timeline([]) == "No job has left a record of when it ran."
