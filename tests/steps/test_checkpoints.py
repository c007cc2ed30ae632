"""A training that is stopped, killed or finds a damaged state ends with the bytes of one that nothing happened to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gancensus.config.code import digests
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Samples
from gancensus.domains.images.encoder_vae import Vae
from gancensus.domains.images.generator_dcgan import Dcgan
from gancensus.domains.images.generator_imagegan import Imagegan
from gancensus.domains.tables.generator_tabulargan import Tabulargan
from gancensus.storage.models import write_state
from gancensus.storage.samples import write_samples
from gancensus.training import unfinished
from gancensus.training.unfinished import Unfinished

SCRIPTS = Path(__file__).parents[2] / "scripts"
X = np.random.default_rng(0).uniform(-1, 1, (64, 8, 8)).astype(np.float32)


def samples(x: np.ndarray[Any, Any], **conditions: np.ndarray[Any, Any]) -> Samples:
    return Samples(x, np.arange(len(x)), conditions=conditions)


GAN = Dcgan(latent=3, width=2, epochs=80, batch=16)
SAGAN = Imagegan(latent=3, width=2, steps=320, batch=16, checkpoint="best")
VAE = Vae(latent=2, width=2, epochs=80, batch=16)
TRAIN = ["train", "--replica", 0, "--selection", "--validation", "--generator", GAN.model_dump_json()]
BEST = ["train", "--replica", 0, "--selection", "--generator", SAGAN.model_dump_json(), "--validation", "train.parquet"]
FIT = ["fit_encoder", "--source", "--encoder", VAE.model_dump_json()]


@pytest.fixture(autouse=True)
def disposition() -> Iterator[None]:
    """What signals do to the tests themselves, to be found again."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


# By hand


def start(folder: Path, step: list[Any], checkpoint: float) -> subprocess.Popen[str]:
    """Start a training on the samples X as a rule does."""
    folder.mkdir(exist_ok=True)
    write_samples(folder / "train.parquet", Samples(X, np.arange(len(X)), np.arange(len(X), dtype=np.int32) % 3))
    name, *options = (folder / option if option == "train.parquet" else option for option in step)
    options += ["--study", "toy", "--name", "n", "--seed", 1, "--device", "cpu", "--checkpoint", checkpoint]
    options += ["--train", folder / "train.parquet"]
    options += ["--model", folder / "model.safetensors", "--history", folder / "history.parquet"]
    command = [sys.executable, str(SCRIPTS / f"{name}.py"), *map(str, options)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def states(folder: Path) -> dict[Path, int]:
    """The states there are, and when each was saved."""
    return {path: path.stat().st_mtime_ns for path in folder.glob("unfinished/*/state.safetensors")}


def stopped(folder: Path, step: list[Any], number: signal.Signals) -> str:
    """Run a training up to a batch that it saves, then send it a signal; return what it says."""
    before = states(folder)
    process = start(folder, step, 0)
    while states(folder) == before and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(number)
    said, _ = process.communicate()
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number), said
    assert len(states(folder)) == 1
    assert not (folder / "model.safetensors").exists()
    return said


@pytest.mark.parametrize(
    ("step", "signals"),
    [(TRAIN, [signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]), (BEST, [signal.SIGTERM]), (FIT, [signal.SIGINT])],
    ids=["train", "best", "fit_encoder"],
)
def test_a_training_over_several_runs_leaves_the_same_files(
    step: list[Any], signals: list[signal.Signals], tmp_path: Path
) -> None:
    uninterrupted = start(tmp_path / "one", step, 300)
    for k, number in enumerate(signals):
        said = stopped(tmp_path / "more", step, number)
        assert ("resuming after epoch" in said) == (k > 0)
    last = said.splitlines()[-1]
    name = signals[-1].name
    assert last.startswith(f"stopped by {name} after epoch ")
    assert last.endswith("; the state is kept, the next run goes on from there")
    after = last.removeprefix(f"stopped by {name} after ").split(";")[0]
    said, _ = start(tmp_path / "more", step, 300).communicate()
    assert said.startswith(f"resuming after {after}, where the state was saved")
    assert "epoch 80/80" in uninterrupted.communicate()[0]
    names = ["history.parquet", "model.safetensors", "train.parquet"]
    for folder in ("one", "more"):
        assert sorted(path.name for path in (tmp_path / folder).iterdir()) == names
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "more" / name).read_bytes()


# The checkpoint

STATE = {"a": np.arange(6.0).reshape(2, 3), "random/cpu": np.arange(200, dtype=np.uint8), "step": np.array(4.0)}


def checkpoint(folder: Path, **changes: Any) -> Unfinished:
    of = {"seconds": 60.0, "member": GAN, "samples": samples(X), "seed": 5, "device": "cpu", **changes}
    return Unfinished(folder / "model.safetensors", **of)


def test_a_state_is_found_again_as_it_was(tmp_path: Path) -> None:
    first = checkpoint(tmp_path)
    assert first.load() is None
    first.save(STATE, "epoch 1, batch 1")
    state = checkpoint(tmp_path, seconds=1).load()
    assert state is not None
    assert state.keys() == STATE.keys()
    for name, value in STATE.items():
        assert (state[name].dtype, state[name].shape, state[name].tobytes()) == (
            value.dtype,
            value.shape,
            value.tobytes(),
        )


@pytest.mark.parametrize(
    "change",
    [
        {"member": GAN.model_copy(update={"epochs": 81})},
        {"member": Tabulargan()},
        {"samples": samples(X[:-1])},
        {"samples": samples(np.nextafter(X, 2))},
        {"samples": samples(X.reshape(64, 4, 16))},
        {"samples": samples(X, energy=X[:, 0, 0])},
        {"samples": Samples(X, np.arange(64), np.zeros(64, dtype=np.int32))},
        {"validation": samples(X)},
        {"seed": 6},
        {"device": "cuda"},
    ],
    ids=["epochs", "kind", "samples", "one bit", "shape", "conditions", "labels", "validation", "seed", "device"],
)
def test_a_state_of_another_training_is_not_used(
    change: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished, "choose_device", lambda device: device)
    first, other, again = checkpoint(tmp_path), checkpoint(tmp_path, **change), checkpoint(tmp_path)
    first.load()
    first.save(STATE, "epoch 1, batch 1")
    assert other.load() is None
    other.save(STATE, "epoch 1, batch 1")
    assert len(states(tmp_path)) == 2
    assert again.load() is not None
    again.remove()
    assert not list(tmp_path.iterdir())


def test_nor_one_of_another_version_of_pytorch_or_of_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = checkpoint(tmp_path)
    first.load()
    first.save(STATE, "epoch 1, batch 1")
    with monkeypatch.context() as context:
        context.setattr(torch, "__version__", "0.1")
        assert checkpoint(tmp_path).load() is None
    with monkeypatch.context() as context:
        context.setattr(unfinished, "digests", lambda *_: {"gancensus/training/loop.py": "other"})
        assert checkpoint(tmp_path).load() is None
    copies = GAN.model_copy(update={"samples": 7, "replicas": 9, "train_on": "dense"})  # say nothing of the training
    assert checkpoint(tmp_path, member=copies).load() is not None


def test_the_code_of_a_training_is_followed() -> None:
    code = digests(Path(sys.modules[Dcgan.__module__].__file__ or ""))
    assert {
        f"gancensus/{name}.py"
        for name in ("domains/images/generator_dcgan", "training/adversarial", "training/loop", "training/resume")
    } <= code.keys()


@given(st.integers(0, 10**6), st.integers(1, 255), st.sampled_from(["cut", "changed", "overwritten"]))
def test_a_damaged_state_is_told_and_not_used(tmp_path_factory: Any, at: int, change: int, how: str) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    first = checkpoint(folder)
    first.load()
    first.save(STATE, "epoch 1, batch 1")
    (path,) = states(folder)
    content = bytearray(path.read_bytes())
    at %= len(content)
    if how == "changed":
        content[at] ^= change
    elif how == "overwritten":
        content[at:] = np.random.default_rng(change).bytes(len(content) - at)
    path.write_bytes(content[:at] if how == "cut" else content)
    state = checkpoint(folder).load()
    assert state is None or all(state[name].tobytes() == STATE[name].tobytes() for name in STATE)


@pytest.mark.parametrize("content", [b"", b"no state", None, "shapes"])
def test_with_a_damaged_state_the_training_starts_anew(
    content: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gan, x = GAN.model_copy(update={"epochs": 2}), samples(X[:20])
    expected = gan.train(x, 5, "cpu")
    first = checkpoint(tmp_path, member=gan, samples=x, seconds=0)
    gan.train(x, 5, "cpu", first)
    (path,) = states(tmp_path)
    if content == "shapes":
        write_state(path, STATE)
    else:
        path.write_bytes(path.read_bytes()[:-1] if content is None else content)
    capsys.readouterr()
    found = gan.train(x, 5, "cpu", checkpoint(tmp_path, member=gan, samples=x))
    told, *rest = capsys.readouterr().err.splitlines()
    assert told.endswith("; the training starts from the beginning")
    assert ("does not fit" in told) if content == "shapes" else (str(path) in told)
    assert not any("going on" in line for line in rest)
    assert all(found.weights[name].tobytes() == expected.weights[name].tobytes() for name in expected.weights)


def test_it_is_due_after_so_many_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    kept = checkpoint(tmp_path, seconds=60)
    kept.load()
    assert not kept.due()
    now += 59
    assert not kept.due()
    now += 1
    assert kept.due()
    kept.save(STATE, "epoch 1, batch 1")
    assert not kept.due()
    now += 60
    assert kept.due()


def test_sigterm_waits_for_the_end_of_a_batch_only_while_there_is_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    kept = checkpoint(tmp_path)
    assert signal.getsignal(signal.SIGTERM) == before  # until the training begins, it ends the process at once
    kept.load()
    assert not kept.due()
    os.kill(os.getpid(), signal.SIGTERM)
    assert kept.due()
    with pytest.raises(SystemExit) as end:
        kept.save(STATE, "epoch 12, batch 30")
    assert end.value.code == 143
    assert len(states(tmp_path)) == 1
    assert capsys.readouterr().err.startswith("stopped by SIGTERM after epoch 12, batch 30; the state is kept")


def test_a_state_that_cannot_be_saved_ends_only_a_training_that_is_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise UserError("cannot write it: No space left on device")

    kept = checkpoint(tmp_path)
    kept.load()
    monkeypatch.setattr(unfinished, "write_state", full)
    kept.save(STATE, "epoch 1, batch 1")
    assert (
        capsys.readouterr().err == "cannot write it: No space left on device; the training continues without saving\n"
    )
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(UserError, match="No space left"):
        kept.save(STATE, "epoch 1, batch 2")
