"""Networks as ONNX files: the vectors are those of PyTorch, images arrive as their reference makes them."""

from __future__ import annotations

import hashlib
import importlib.util
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from pydantic import ValidationError
from torch import nn
from torch.nn.functional import interpolate

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Samples
from gancensus.domains.general.encoder_onnx import Onnx
from gancensus.domains.general.encoder_pca import Pca
from gancensus.domains.images.encoder_vae import Vae
from gancensus.storage import networks
from gancensus.training.loop import load_weights

RNG = np.random.default_rng(5)
GREY = RNG.uniform(-1, 1, (70, 8, 8)).astype(np.float32)
COLOURS = RNG.uniform(-1, 1, (9, 20, 14, 3)).astype(np.float32)
ROWS = RNG.normal(size=(70, 6)).astype(np.float32)


def export(path: Path, net: nn.Module, x: torch.Tensor, fixed: bool = False) -> Path:
    """Write a network whose input is named x, for any number of samples, or for as many as x has."""
    options: dict[str, Any] = {} if fixed else {"dynamic_axes": {"x": {0: "n"}, "z": {0: "n"}}}
    with warnings.catch_warnings(action="ignore"):
        torch.onnx.export(net.eval(), (x,), path, input_names=["x"], output_names=["z"], dynamo=False, **options)
    return path


def identity(folder: Path, channels: int, *size: int) -> Path:
    """A network whose vector is its input."""
    return export(folder / "identity.onnx", nn.Flatten(), torch.zeros(2, channels, *size))


def vectors(model: Onnx, x: NDArray[Any]) -> NDArray[Any]:
    return model.apply(model.fit(x, 0, "cpu").weights, x, "cpu")


def small() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 5, 3, stride=2), nn.ELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def in_torch(x: NDArray[Any]) -> torch.Tensor:
    """Images (n, H, W, C) in [-1, 1] as (n, C, H, W) in [0, 1]."""
    return torch.tensor(x).permute(0, 3, 1, 2) / 2 + 0.5


# The vectors of PyTorch


def test_our_autoencoder_as_a_file_gives_the_same_vectors(tmp_path: Path) -> None:
    vae = Vae(latent=3, width=2, epochs=1, batch=10)
    weights = vae.fit(GREY, 1, "cpu").weights
    net = load_weights(vae.networks((8, 8))[0], "encoder", weights)
    path = export(tmp_path / "vae.onnx", nn.Sequential(net, nn.Unflatten(1, (2, 3)), First()), torch.zeros(2, 1, 8, 8))
    found = vectors(Onnx(path=path, mean=0.5, deviation=0.5), GREY)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, vae.apply(weights, GREY, "cpu"), atol=1e-5)


class First(nn.Module):
    """The means of means and log variances (n, 2, latent)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, 0]


def test_rows_are_passed_as_they_are(tmp_path: Path) -> None:
    pca = Pca(components=4)
    weights = pca.fit(ROWS, 0, "cpu").weights
    line = nn.Linear(6, 4)
    with torch.no_grad():
        line.weight.copy_(torch.tensor(weights["components"]))
        line.bias.copy_(-torch.tensor(weights["components"] @ weights["mean"]))
    model = Onnx(path=export(tmp_path / "pca.onnx", line, torch.zeros(2, 6)))
    np.testing.assert_allclose(vectors(model, ROWS), pca.apply(weights, ROWS, "cpu"), atol=1e-5)
    assert model.dimension == 4


def test_the_preprocessing_of_the_selections_reference(tmp_path: Path) -> None:
    """DeVries et al., embeddings.py: normalised first, then resized with aligned corners."""
    net = small()
    path = export(tmp_path / "net.onnx", net, torch.zeros(2, 3, 16, 16))
    mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    model = Onnx(path=path, resize=(16, 16), align=True, antialias=False, mean=mean, deviation=deviation)
    x = (in_torch(COLOURS) - torch.tensor(mean)[:, None, None]) / torch.tensor(deviation)[:, None, None]
    with torch.no_grad():
        expected = net(interpolate(x, (16, 16), mode="bilinear", align_corners=True))
    np.testing.assert_allclose(vectors(model, COLOURS), expected.numpy(), atol=1e-5)


@pytest.mark.parametrize("batch", [1, 8, 100])
def test_a_fixed_number_of_samples_changes_nothing(tmp_path: Path, batch: int) -> None:
    net, x = small(), torch.zeros(batch, 3, 20, 14)
    fixed = Onnx(path=export(tmp_path / "fixed.onnx", net, x, fixed=True))
    free = Onnx(path=export(tmp_path / "free.onnx", net, x))
    for n in (9, 1, 0):
        found = fixed.apply(fixed.fit(COLOURS, 0, "cpu").weights, COLOURS[:n], "cpu")
        assert found.shape == (n, 5)
        if n:
            np.testing.assert_allclose(found, vectors(free, COLOURS[:n]), atol=1e-6)
    assert free.apply(free.fit(COLOURS, 0, "cpu").weights, COLOURS[:0], "cpu").shape == (0, 5)


def test_parts_change_no_byte(tmp_path: Path) -> None:
    x = RNG.uniform(-1, 1, (600, 8, 8)).astype(np.float32)
    model = Onnx(path=export(tmp_path / "net.onnx", small(), torch.zeros(2, 3, 8, 8)))
    weights = model.fit(x, 0, "cpu").weights
    whole = model.embed(weights, Samples(x, np.arange(600)), None, "cpu")
    parts = [model.embed(weights, Samples(x[a:b], np.arange(a, b)), None, "cpu") for a, b in ((0, 256), (256, 600))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


# Images on their way into the network


@pytest.mark.parametrize("filter", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(7, 9), (33, 40), (12, 30)])
def test_images_are_resized_as_pillow_does(tmp_path: Path, filter: str, size: tuple[int, int]) -> None:
    model = Onnx.model_validate({"path": identity(tmp_path, 3, *size), "resize": size, "filter": filter})
    resampling = Image.Resampling[filter.upper()]

    def resized(channel: NDArray[Any]) -> NDArray[Any]:
        image = Image.fromarray(channel / 2 + 0.5).resize(size[::-1], resampling)  # of mode F: no bytes
        return np.asarray(image).clip(0, 1)

    expected = [[resized(x[:, :, c]) for c in range(3)] for x in COLOURS]
    np.testing.assert_allclose(vectors(model, COLOURS), np.reshape(expected, (9, -1)), atol=1e-5)


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("filter", ["bilinear", "bicubic"])
@pytest.mark.parametrize("antialias", [False, True])
def test_images_are_resized_as_torch_does(tmp_path: Path, filter: str, align: bool, antialias: bool) -> None:
    options = {"resize": [11, 13], "filter": filter, "align": align, "antialias": antialias}
    model = Onnx.model_validate({"path": identity(tmp_path, 3, 11, 13), **options})
    expected = interpolate(in_torch(COLOURS), (11, 13), mode=filter, align_corners=align, antialias=antialias)
    np.testing.assert_allclose(vectors(model, COLOURS), expected.clamp(0, 1).flatten(1).numpy(), atol=1e-6)


def test_the_shorter_side_is_resized_and_the_centre_cut(tmp_path: Path) -> None:
    """20 x 14 with 7 for the shorter side is 10 x 7, of which the middle 5 x 5 begins at (2, 1)."""
    model = Onnx.model_validate({"path": identity(tmp_path, 3, 5, 5), "resize": 7, "crop": 5})
    resized = interpolate(in_torch(COLOURS), (10, 7), mode="bilinear", antialias=True)
    expected = resized[:, :, 2:7, 1:6].flatten(1).numpy()
    np.testing.assert_allclose(vectors(model, COLOURS), expected, atol=1e-6)


def test_mean_and_deviation_follow_the_order_of_the_channels(tmp_path: Path) -> None:
    """Bytes in the order blue, green, red, less a mean of each, as Caffe's networks take them."""
    mean = [104 / 255, 117 / 255, 123 / 255]
    options = {"path": identity(tmp_path, 3, 20, 14), "channels": "bgr", "mean": mean, "deviation": 1 / 255}
    bytes_ = (COLOURS / 2 + 0.5)[..., ::-1] * 255 - [104, 117, 123]
    expected = np.moveaxis(bytes_, 3, 1).reshape(9, -1)
    np.testing.assert_allclose(vectors(Onnx.model_validate(options), COLOURS), expected, atol=1e-4)


@pytest.mark.parametrize("shape", [(70, 8, 8), (70, 8, 8, 1)])
def test_grey_images_are_repeated_for_a_network_of_colours(tmp_path: Path, shape: tuple[int, ...]) -> None:
    found = vectors(Onnx(path=identity(tmp_path, 3, 8, 8)), GREY.reshape(shape))
    np.testing.assert_allclose(found, np.repeat(GREY.reshape(70, 1, 64) / 2 + 0.5, 3, 1).reshape(70, -1), atol=1e-6)
    found = vectors(Onnx(path=identity(tmp_path, 1, 8, 8)), GREY.reshape(shape))
    np.testing.assert_allclose(found, GREY.reshape(70, 64) / 2 + 0.5, atol=1e-6)


# Files of other kinds


def graph(
    path: Path,
    *nodes: Any,
    inputs: Sequence[tuple[str, int, list[Any]]] = (("x", TensorProto.FLOAT, ["n", 6]),),
    outputs: Sequence[tuple[str, int, list[Any]]] = (("z", TensorProto.FLOAT, ["n", "d"]),),
) -> Path:
    """Write a network of single operations."""
    made = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info(*one) for one in inputs],
        [helper.make_tensor_value_info(*one) for one in outputs],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("my.own", 1)]
    onnx.save(helper.make_model(made, opset_imports=opsets, ir_version=9), path)
    return path


NEGATED = helper.make_node("Neg", ["x"], ["z"])


@pytest.mark.parametrize("kind", ["FLOAT16", "FLOAT", "DOUBLE"])
def test_the_input_may_be_of_any_floating_type(tmp_path: Path, kind: str) -> None:
    number = getattr(TensorProto, kind)
    path = graph(tmp_path / "a.onnx", NEGATED, inputs=[("x", number, ["n", 6])], outputs=[("z", number, ["n", 6])])
    found = vectors(Onnx(path=path), ROWS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, -ROWS, rtol=1e-3 if kind == "FLOAT16" else 0)


def test_what_pooling_leaves_is_squeezed(tmp_path: Path) -> None:
    path = export(tmp_path / "a.onnx", nn.AdaptiveAvgPool2d(1), torch.zeros(2, 3, 20, 14))
    np.testing.assert_allclose(vectors(Onnx(path=path), COLOURS), COLOURS.mean(axis=(1, 2)) / 2 + 0.5, atol=1e-6)


def test_an_output_is_chosen_by_its_name(tmp_path: Path) -> None:
    double = helper.make_node("Add", ["x", "x"], ["twice"])
    outputs = [(name, TensorProto.FLOAT, ["n", 6]) for name in ("z", "twice")]
    path = graph(tmp_path / "a.onnx", NEGATED, double, outputs=outputs)
    np.testing.assert_array_equal(vectors(Onnx(path=path, output="twice"), ROWS), 2 * ROWS)
    refused(Onnx(path=path), ROWS, f"{path}: has 2 outputs; choose one with `output`: z, twice")
    refused(Onnx(path=path, output="twise"), ROWS, f"{path}: has no output 'twise'; did you mean 'twice'?")


# What is refused


def refused(model: Onnx, x: NDArray[Any], message: str, device: str = "cpu") -> None:
    """Fitting fails with a message of one line, which begins so."""
    with pytest.raises(UserError) as error:
        model.fit(x, 0, device)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


class Noisy(nn.Module):
    """What sampling, or dropout in training, leaves in a file."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.randn_like(x)


class Beside(nn.Module):
    """What batch normalisation in training leaves in a file."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x - x.mean(0, keepdim=True)


@pytest.mark.parametrize("net", [Noisy(), Beside()])
@pytest.mark.parametrize("fixed", [False, True])
def test_vectors_that_are_random_or_depend_on_other_samples(tmp_path: Path, net: nn.Module, fixed: bool) -> None:
    path = export(tmp_path / "net.onnx", net, torch.zeros(4, ROWS.shape[1]), fixed)
    refused(Onnx(path=path), ROWS, f"{path}: a sample's vector is random, or depends on the samples beside it; export")


def test_without_onnxruntime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Onnx(path=identity(tmp_path, 3, 20, 14))
    found = importlib.util.find_spec
    monkeypatch.setattr(networks, "find_spec", lambda name: None if name == "onnxruntime" else found(name))
    refused(model, COLOURS, "encoder onnx: the package onnxruntime is not installed; run: pip install gancensus[onnx]")


def test_without_the_gpu_that_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Onnx(path=identity(tmp_path, 3, 20, 14))
    monkeypatch.setattr(networks, "choose_device", lambda device: "cuda")
    refused(model, COLOURS, "device: cuda, but this onnxruntime cannot use the GPU; install onnxruntime-gpu", "cuda")
    assert model.fit(COLOURS, 0, "auto").weights["sha256"].shape == (32,)


def second_file(path: Path) -> None:
    values = numpy_helper.from_array(np.ones((6, 2), dtype=np.float32), "w")
    made = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["z"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 6])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 2])],
        [values],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save_model(model, path, save_as_external_data=True, location="weights", size_threshold=0)


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "text": (lambda p: p.write_text("no network"), "not a network that onnxruntime can run (Failed to load model"),
    "empty": (lambda p: p.touch(), "not a network that onnxruntime can run (No graph was found"),
    "folder": (lambda p: p.mkdir(), "cannot be read (Is a directory)"),
    "cut": (lambda p: p.write_bytes(graph(p, NEGATED).read_bytes()[:-20]), "not a network that onnxruntime can run ("),
    "second file": (second_file, "its weights are in a second file; export it as one, with `external_data=False`"),
    "own operator": (
        lambda p: graph(p, helper.make_node("Own", ["x"], ["z"], domain="my.own")),
        "not a network that onnxruntime can run (Fatal error: my.own:Own(-1) is not a registered",
    ),
    "inputs": (
        lambda p: graph(
            p, helper.make_node("Add", ["x", "y"], ["z"]), inputs=[(k, TensorProto.FLOAT, ["n", 6]) for k in "xy"]
        ),
        "has 2 inputs (x, y); export it with one",
    ),
    "integers": (
        lambda p: graph(p, NEGATED, inputs=[("x", TensorProto.INT64, ["n", 6])], outputs=[("z", 7, ["n", 6])]),
        "its input is tensor(int64); it must be tensor(float16), tensor(float), tensor(double)",
    ),
    "class numbers": (
        lambda p: graph(
            p, helper.make_node("ArgMax", ["x"], ["z"], axis=1), outputs=[("z", TensorProto.INT64, ["n", 1])]
        ),
        "output 'z' is tensor(int64); vectors are tensor(float16)",
    ),
    "tokens": (
        lambda p: graph(
            p, helper.make_node("Expand", ["x", "s"], ["z"]), tokens(), outputs=[("z", TensorProto.FLOAT, [None] * 3)]
        ),
        "output 'z' has the shape (4, 2, 6) for 2 samples, but a vector each, (n, d), is needed; export a pooled",
    ),
    "a number for all": (
        lambda p: graph(p, helper.make_node("ReduceSum", ["x"], ["z"]), outputs=[("z", TensorProto.FLOAT, [1, 1])]),
        "output 'z' has the shape (1, 1) for 2 samples",
    ),
    "infinite": (
        lambda p: graph(p, helper.make_node("Log", ["y"], ["z"]), helper.make_node("Sub", ["x", "x"], ["y"])),
        "output 'z' is NaN or infinite for some samples; where the network computes in float16",
    ),
    "another length": (
        lambda p: graph(p, NEGATED, inputs=[("x", TensorProto.FLOAT, ["n", 7])]),
        "takes samples of shape (7), but samples have (6)",
    ),
    "another rank": (
        lambda p: graph(p, NEGATED, inputs=[("x", TensorProto.FLOAT, ["n", "a", "b"])]),
        "takes samples of shape (?, ?), but samples have (6)",
    ),
}


def tokens() -> Any:
    return helper.make_node("Constant", [], ["s"], value=helper.make_tensor("t", TensorProto.INT64, [3], [4, 1, 1]))


@pytest.mark.parametrize("name", FILES)
def test_files_that_give_no_vectors(tmp_path: Path, name: str) -> None:
    make, message = FILES[name]
    path = tmp_path / "a.onnx"
    make(path)
    refused(Onnx(path=path), ROWS, f"{path}: {message}")


IMAGES: dict[str, tuple[dict[str, Any], int, NDArray[Any], str]] = {
    "size": ({}, 3, COLOURS, "@: takes samples of shape (3, 9, 9), but images, once resized and cut, have (3, 20, 14)"),
    "crop": ({"crop": 15}, 3, COLOURS, "encoder onnx: `crop` 15 x 15 is larger than the images, 20 x 14; enlarge them"),
    "grey": ({"resize": [9, 9]}, 1, COLOURS, "@: takes images of 1 channels, but the samples have 3; use a network"),
    "mean": ({"mean": [0, 1]}, 3, COLOURS, "encoder onnx: `mean` has 2 numbers, but the network takes 3 channels"),
    "five": ({}, 5, GREY, "@: takes images of 5 channels, but the samples have 1"),
    "rows": (
        {"resize": 9, "mean": 0.5},
        3,
        ROWS,
        "encoder onnx: `resize`, `mean`: for samples (H, W) or (H, W, C) in a network (n, channels, H, W), but samples "
        "have shape (6,) and @ takes (?, 3, 9, 9); leave",
    ),
}


@pytest.mark.parametrize("name", IMAGES)
def test_images_that_do_not_suit_the_network(tmp_path: Path, name: str) -> None:
    options, channels, x, message = IMAGES[name]
    path = identity(tmp_path, channels, 9, 9)
    refused(Onnx.model_validate({"path": path, **options}), x, message.replace("@", str(path)))


def test_images_that_the_network_itself_refuses(tmp_path: Path) -> None:
    """Images of any size, but not smaller than its filter."""
    net, free = nn.Sequential(nn.Conv2d(3, 2, 9), nn.Flatten()), {"x": {0: "n", 2: "h", 3: "w"}}
    path, x = tmp_path / "a.onnx", torch.zeros(1, 3, 9, 9)
    with warnings.catch_warnings(action="ignore"):
        torch.onnx.export(net, (x,), path, input_names=["x"], dynamic_axes=free, dynamo=False)
    refused(Onnx(path=path, resize=(4, 4)), COLOURS, f"{path}: onnxruntime cannot run it (Non-zero status code")


def test_the_model_has_the_digest_of_the_file_and_another_file_is_refused(tmp_path: Path) -> None:
    path = graph(tmp_path / "a.onnx", NEGATED)
    model = Onnx(path=path)
    weights = model.fit(ROWS, 0, "cpu").weights
    assert weights["sha256"].tobytes() == hashlib.sha256(path.read_bytes()).digest()
    graph(path, helper.make_node("Abs", ["x"], ["z"]))
    with pytest.raises(UserError, match=r"a\.onnx: is not the file any more that the encoder was fitted with"):
        model.apply(weights, ROWS, "cpu")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resize": 0}, "greater than or equal to 1"),
        ({"resize": [1, 2, 3]}, "at most 2 items"),
        ({"crop": True}, "needs a number or a list of numbers, not yes or no"),
        ({"deviation": [0.2, 0]}, "greater than 0"),
        ({"mean": []}, "at least 1 item"),
        ({"filter": "nearest", "align": True}, "`align` is for the filters bilinear and bicubic"),
        ({"path": ""}, "is empty; name a file or folder"),
    ],
)
def test_keys_that_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Onnx.model_validate({"path": "a.onnx", **options})


def test_it_runs_on_the_processor_with_one_thread(tmp_path: Path) -> None:
    session = networks.Network(graph(tmp_path / "a.onnx", NEGATED), None, "cpu")._session
    assert session.get_providers() == ["CPUExecutionProvider"]
    options = session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
