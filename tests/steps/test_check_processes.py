"""Large inputs are checked in several processes: what is found does not depend on it, and no process is left."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray
from PIL import Image

from gancensus.audit import check, user_samples
from gancensus.audit.check import Findings, check_inputs
from gancensus.audit.processes import side_by_side
from gancensus.config.configuration import load
from gancensus.contracts import samples as contract
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import LazySamples, Notes, Samples


@pytest.fixture(autouse=True)
def none_left() -> Iterator[None]:
    """No process is left; those of tests before may be there."""
    before = psutil.Process().children()
    yield
    assert set(psutil.Process().children()) <= set(before)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """An interrupt is raised, also in a process of pytest that ignores it."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)


def found(monkeypatch: pytest.MonkeyPatch, study: dict[str, Any], processes: int) -> Findings:
    for module in (check, user_samples, contract):
        monkeypatch.setattr(module, "VALUES_AT_ONCE", 40)
    monkeypatch.setattr(check, "MANY", 0)
    monkeypatch.setattr(check, "cores", lambda: processes)
    said: list[str] = []
    result = check_inputs(load({"studies": {"s": study}}), said.append)
    assert said[:1] == ["studies.s.source"]
    return result


@pytest.mark.parametrize("damaged", [(), (13,), (3, 50), (1, 2, 20, 30, 31, 32, 60)])
def test_what_is_found_does_not_depend_on_the_number_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(3)
    real, mine = rng.normal(size=(2, 64, 5)).astype(np.float32)
    mine[list(damaged), 1] = np.nan
    np.save(tmp_path / "real.npy", real)
    np.save(tmp_path / "mine.npy", mine * 1000)  # in another unit, which is judged where no sample is damaged
    study = {
        "source": {"kind": "files", "path": str(tmp_path / "real.npy")},
        "generators": {"mine": {"kind": "files", "path": str(tmp_path / "mine.npy")}},
        "definitions": {"near": {"euclidean": {"alpha": 0.1}}},
    }
    alone = found(monkeypatch, study, 1)
    assert len(alone.problems) == (min(len(damaged), 5) + (len(damaged) >= 5) or 1)
    assert all(found(monkeypatch, study, n) == alone for n in (2, 3, 7))


def test_notes_about_samples_are_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each size of images is noted with the number of those that have it, in the order in which they are found."""
    rng = np.random.default_rng(4)
    for name, sizes in {"real": (20, 30, 40, 50), "mine": (60, 60, 20, 8)}.items():
        (tmp_path / name).mkdir()
        for k in range(24):
            side = sizes[k // 7]
            picture = rng.integers(0, 255, (side, side, 3), dtype=np.uint8)
            Image.fromarray(picture).save(tmp_path / name / f"{k:02}.png")
    form = {"kind": "imagefolder", "size": 16}
    study = {
        "source": {**form, "path": str(tmp_path / "real")},
        "generators": {"mine": {**form, "path": str(tmp_path / "mine")}},
        "definitions": {"pixels": {"euclidean": {"alpha": 0.1}}},
    }
    alone = found(monkeypatch, study, 1)
    assert "studies.s.generators.mine: upscaled from 8 x 8 pixels: 3 samples" in alone.warnings
    assert found(monkeypatch, study, 3) == alone


def test_kept_samples_are_those_that_would_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every process, and read once; where one is killed, the first process reads all."""
    x, main = np.arange(90, dtype=np.float32).reshape(30, 3), os.getpid()
    energy = np.linspace(1, 2, 30, dtype=np.float32)
    known = Samples(x[:, :0], np.arange(30), conditions={"energy": energy}, notes=Notes("whole"))
    calls: list[NDArray[np.int64]] = []

    def read(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        calls.append(rows)
        samples.notes.add("above 20", rows[rows > 20])
        if killed and os.getpid() != main and 25 in rows:
            os.kill(os.getpid(), signal.SIGKILL)
        return x[rows]

    samples = LazySamples(known, (3,), np.dtype(np.float32), read)
    monkeypatch.setattr(check, "VALUES_AT_ONCE", 12)
    monkeypatch.setattr(check, "MANY", 0)
    monkeypatch.setattr(check, "cores", lambda: 3)
    monkeypatch.setattr(check, "_compare", lambda study, some: None)
    rows = np.array([0, 3, 4, 11, 19, 20, 29])
    for killed in (False, True):
        calls.clear()
        kept = check._read("key", None, samples, Findings(), rows)  # type: ignore[arg-type]
        assert kept is not None
        np.testing.assert_array_equal(kept.x, x[rows])
        np.testing.assert_array_equal(kept.sample_id, rows)
        np.testing.assert_array_equal(kept.conditions["energy"], energy[rows])
        assert samples.notes.counts() == {"whole": None, "above 20": 9}
        np.testing.assert_array_equal(np.concatenate([[], *calls]), np.arange(30) if killed else [])


def test_what_fails_in_a_process_is_done_elsewhere(capfd: pytest.CaptureFixture[str]) -> None:
    def work(part: int) -> int:
        if part == 2:
            raise UserError("bad")
        return part * part

    assert side_by_side(work, [0, 1, 3]) == [0, 1, 9]
    assert side_by_side(work, [0, 2, 3]) is None
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_ends_all_processes(capfd: pytest.CaptureFixture[str]) -> None:
    """As Ctrl-C, which every process of a terminal gets: they end silently, at once."""
    main, begun, before = os.getpid(), time.monotonic(), psutil.Process().children()

    def work(part: int) -> None:
        if part == 1:
            time.sleep(0.5)
            for one in [*psutil.Process(main).children(), psutil.Process(main)]:
                if one not in before:
                    one.send_signal(signal.SIGINT)
        time.sleep(60)

    with pytest.raises(KeyboardInterrupt):
        side_by_side(work, [0, 1])
    assert time.monotonic() - begun < 30
    assert capfd.readouterr() == ("", "")
