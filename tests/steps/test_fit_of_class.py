"""An encoder that learns from one class of the training samples."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest

from gancensus.contracts.randomness import derive_seed
from gancensus.contracts.samples import Samples
from gancensus.domains.images.encoder_autoencoder import Autoencoder
from gancensus.storage.models import read_model
from gancensus.storage.samples import write_samples
from gancensus.training.loop import architecture

Step = Callable[..., CompletedProcess[str]]

X = np.random.default_rng(0).uniform(-1, 1, (20, 8, 8)).astype(np.float32)
LABEL = np.repeat(np.array([0, 3], np.int32), [15, 5])


def fit(step: Step, folder: Path, label: Any, only: int | None) -> Any:
    write_samples(folder / "train.parquet", Samples(X, np.arange(20), label))
    encoder = Autoencoder(latent=2, width=1, epochs=1, batch=4, only=only)
    model, history = folder / f"{only}.safetensors", folder / "history.parquet"
    where = ("--train", folder / "train.parquet", "--model", model, "--history", history)
    facts = ("--study", "s", "--name", "code", "--seed", 1, "--device", "cpu", "--checkpoint", 300, "--source")
    return step("fit_encoder", *facts, "--encoder", encoder.model_dump_json(), *where), encoder


def test_only_the_class_is_learned_from(step: Step, tmp_path: Path) -> None:
    done, encoder = fit(step, tmp_path, LABEL, 0)
    assert done.returncode == 0, done.stderr
    found = read_model(tmp_path / "0.safetensors", architecture(encoder, (8, 8)))
    expected = encoder.fit(X[:15], derive_seed(1, "s", "encoder", "code"), "cpu").weights
    assert all(np.array_equal(found[name], value) for name, value in expected.items())


@pytest.mark.parametrize(("label", "known"), [(LABEL, "0, 3"), (None, "none")])
def test_a_class_that_is_not_there(step: Step, tmp_path: Path, label: Any, known: str) -> None:
    done, _ = fit(step, tmp_path, label, 1)
    assert done.returncode == 1
    assert done.stderr == (
        "error: encoder code: it learns from class 1 (`only`), of which `train` has 0 samples; classes of its samples: "
        f"{known}\n"
    )
