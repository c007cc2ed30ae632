"""Both Inception networks, on random weights in the layout of the published files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors.torch import save_file

from gancensus.contracts.errors import UserError
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import BLOCK
from gancensus.domains.images import pretrained
from gancensus.domains.images.encoder_inception import SHA256, Inception
from gancensus.domains.images.encoder_inception_imagenet import InceptionImagenet
from gancensus.domains.images.inception_networks import averaged, averaged_inside, inception, largest
from gancensus.domains.images.pretrained import FromFile

AUXILIARY = {  # the layers of torchvision's file that only training uses
    **{f"AuxLogits.conv{k}.bn.{name}": (size,) for k, size in ((0, 128), (1, 768)) for name in ("weight", "bias")},
    **{f"AuxLogits.conv{k}.bn.running_{name}": (size,) for k, size in ((0, 128), (1, 768)) for name in ("mean", "var")},
    **{f"AuxLogits.conv{k}.bn.num_batches_tracked": () for k in (0, 1)},
    "AuxLogits.conv0.conv.weight": (128, 768, 1, 1),
    "AuxLogits.conv1.conv.weight": (768, 128, 5, 5),
    "AuxLogits.fc.weight": (1000, 768),
    "AuxLogits.fc.bias": (1000,),
}
IMAGES = {"small": (2, 20, 33, 3), "large": (2, 301, 340, 3), "as wide": (2, 299, 30, 3), "grey": (2, 28, 28)}


def shapes(kind: str) -> dict[str, tuple[int, ...]]:
    """The layers of a published file, in its order but for the auxiliary ones."""
    with torch.device("meta"):
        fid = kind == "inception"
        network = inception(1008, averaged_inside, largest) if fid else inception(1000, averaged, averaged)
    found = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    return found if fid else {**found, **AUXILIARY}


def random_weights(kind: str) -> dict[str, torch.Tensor]:
    """Weights with which the features neither vanish nor explode."""
    return {name: random_tensor(name, shape) for name, shape in shapes(kind).items()}


def random_tensor(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    rng = derive_rng(1, name)
    if name.endswith("num_batches_tracked"):
        return torch.tensor(7)
    if name.endswith(("bn.weight", "running_var")):
        return torch.from_numpy(rng.uniform(0.5, 1.5, shape).astype(np.float32))
    deviation = np.sqrt(2 / np.prod(shape[1:])) if len(shape) > 1 else 0.1
    return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32) * np.float32(deviation))


def images(what: str) -> NDArray[np.float32]:
    """Images as a source returns bytes."""
    levels = derive_rng(2, what).integers(0, 256, IMAGES[what])
    return (levels / 127.5 - 1).astype(np.float32)


def saved(path: Path, weights: Any) -> Path:
    save_file(weights, path) if path.suffix == ".safetensors" else torch.save(weights, path)
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def encoder(kind: str, path: Path) -> Inception | InceptionImagenet:
    """The encoder of a file, whatever its digest."""
    made = Inception if kind == "inception" else InceptionImagenet
    return made(path=path, sha256=sha256(path))


def features(model: FromFile, x: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(model.apply(model.fit(x, 0, "cpu").weights, x, "cpu"))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """A file of each kind; 95 and 109 MB, so they are removed."""
    folder = tmp_path_factory.mktemp("weights")
    found = {kind: saved(folder / f"{kind}.pth", random_weights(kind)) for kind in PEERS}
    yield found
    for path in found.values():
        path.unlink()


# Three projections of the features (derive_rng(3), standard normal) of two images each. inception: as torch-fidelity
# 0.4.0 (FeatureExtractorInceptionV3, of bytes) makes them with the same weights. inception-imagenet: as Inception3 of
# torchvision 0.28.0 does (transform_input, fc the identity), of images that are prepared as embeddings.py of
# uoguelph-mlrg/instance_selection_for_gans does. Both cannot be installed beside torch for processors and torchmetrics.
PEERS = {
    "inception": {
        "small": [[-500.4226, -201.7025, -263.7496], [-508.3972, -202.1902, -266.1192]],
        "large": [[-761.1768, -306.3518, -395.083], [-757.6896, -320.4539, -400.624]],
        "as wide": [[-805.9135, -334.045, -411.7944], [-804.5793, -337.1906, -404.8012]],
        "grey": [[-586.3839, -219.0109, -310.6823], [-559.5116, -215.7325, -303.8425]],
    },
    "inception-imagenet": {
        "small": [[-476.6255, -196.0268, -231.6906], [-480.2163, -196.5064, -230.7802]],
        "large": [[-728.0618, -300.4956, -342.8253], [-723.3224, -303.5077, -345.503]],
        "as wide": [[-765.1514, -321.7259, -352.1923], [-766.7985, -325.8116, -352.3143]],
        "grey": [[-554.0983, -215.7068, -276.1421], [-540.9101, -206.2184, -263.483]],
    },
}


@pytest.mark.parametrize("what", IMAGES)
@pytest.mark.parametrize("kind", PEERS)
def test_features_are_those_of_the_peers(files: dict[str, Path], kind: str, what: str) -> None:
    found = features(encoder(kind, files[kind]), images(what))
    assert found.shape == (2, encoder(kind, files[kind]).dimension) == (2, 2048)
    assert found.dtype == np.float32
    projections = derive_rng(3).standard_normal((2048, 3))
    np.testing.assert_allclose(found.astype(np.float64) @ projections, PEERS[kind][what], rtol=2e-5)


@pytest.mark.parametrize(
    ("kind", "listing", "parameters"),
    [
        ("inception", "760681d791cb624e1bf7a2e802a68933dd17aa5e3109fcf498d9dfa521bc10d7", 23_850_960),
        ("inception-imagenet", "4c9e13f64584de741d008cd24d3aae249cd3871df374ba3da192ffb031ba7376", 27_161_264),
    ],
)
def test_layers_have_the_names_and_sizes_of_the_peers(kind: str, listing: str, parameters: int) -> None:
    """The listing is the SHA-256 of the sorted lines `name shape` of the state dict of each peer."""
    found = shapes(kind)
    lines = "\n".join(sorted(f"{name} {shape}" for name, shape in found.items()))
    assert hashlib.sha256(lines.encode()).hexdigest() == listing
    buffers = ("running_mean", "running_var", "num_batches_tracked")
    assert sum(int(np.prod(shape)) for name, shape in found.items() if not name.endswith(buffers)) == parameters


def test_resizing_by_hand(tmp_path: Path) -> None:
    """Two pixels, 0 and 255, become 299, of which pixel k lies at 2 k / 299; beyond 1 there is only the second."""
    x = np.array([[-1, 1]], dtype=np.float32)
    prepared = Inception(path=tmp_path).prepare(torch.from_numpy(x).expand(1, 3, 1, 2))
    assert prepared.shape == (1, 3, 299, 299)
    expected = (np.minimum(np.arange(299) * 2 / 299, 1) * 255 - 128) / 128
    np.testing.assert_allclose(prepared[0, 1, 200], expected, atol=1e-5)


@pytest.mark.parametrize(("value", "level"), [(-1.5, 0), (-1, 0), (-0.001, 127), (0.003, 128), (0.9999, 255), (3, 255)])
def test_values_are_rounded_to_bytes_for_fid_alone(tmp_path: Path, value: float, level: int) -> None:
    image = torch.full((1, 3, 7, 9), value, dtype=torch.float32)
    assert torch.equal(Inception(path=tmp_path).prepare(image), torch.full((1, 3, 299, 299), (level - 128) / 128))
    kept = InceptionImagenet(path=tmp_path).prepare(image)
    torch.testing.assert_close(kept, image[:, :, :1, :1].expand(1, 3, 299, 299))


def test_batches_change_no_value(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    assert BLOCK % pretrained.BATCH == 0
    monkeypatch.setattr(pretrained, "BATCH", 2)
    model, x = encoder("inception", files["inception"]), np.concatenate([images("small"), images("small")[:1]])
    weights = model.fit(x, 0, "cpu").weights
    whole, parts = model.apply(weights, x, "cpu"), [model.apply(weights, some, "cpu") for some in (x[:2], x[2:])]
    assert np.array_equal(whole, np.concatenate(parts))
    assert model.apply(weights, x[:0], "cpu").shape == (0, 2048)


def test_grey_images_are_those_with_equal_channels(files: dict[str, Path]) -> None:
    model, x = encoder("inception", files["inception"]), images("grey")[:1]
    found = [features(model, image) for image in (x, x[..., None], np.repeat(x[..., None], 3, axis=3))]
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


def test_other_forms_of_the_file(tmp_path: Path, files: dict[str, Path]) -> None:
    """As safetensors, and as PyTorch wrote files before 2020, without the counts of batches."""
    x, weights = images("small")[:1], random_weights("inception")
    expected = features(encoder("inception", files["inception"]), x)
    old = {name: tensor for name, tensor in weights.items() if not name.endswith("num_batches_tracked")}
    torch.save(old, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    for path in (saved(tmp_path / "new.safetensors", weights), tmp_path / "old.pth"):
        assert np.array_equal(features(encoder("inception", path), x), expected)
        path.unlink()


# What a user can do wrong


class Planted:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("kind", PEERS)
def test_without_the_file_it_says_which_and_where_to_get_it(tmp_path: Path, kind: str) -> None:
    path, digest = tmp_path / "gone.pth", {"inception": "6726825d", "inception-imagenet": "0cc3c7bd"}[kind]
    model = Inception(path=path) if kind == "inception" else InceptionImagenet(path=path)
    assert model.files() == [path]
    with pytest.raises(UserError) as raised:
        model.fit(images("small"), 0, "cpu")
    message = str(raised.value)
    assert "\n" not in message
    assert re.match(rf"{re.escape(str(path))}: no such file; download \S*{digest}\.pth \(.*SHA-256 {digest}", message)
    assert re.search(rf"from https://\S+{digest}\.pth.*`path`", message)


def test_another_file_is_refused_with_both_digests(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"not these")
    with pytest.raises(UserError, match=f"has the SHA-256 {sha256(path)}, but {SHA256} is asked for; download"):
        Inception(path=path).fit(images("small"), 0, "cpu")
    with pytest.raises(UserError, match=r"cannot be read \(Is a directory\); download"):
        Inception(path=tmp_path).fit(images("small"), 0, "cpu")


def test_a_file_that_has_changed_since_the_fit_is_refused(tmp_path: Path, files: dict[str, Path]) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(files["inception"].read_bytes())
    model = encoder("inception", path)
    weights = model.fit(images("small"), 0, "cpu").weights
    with path.open("r+b") as file:
        file.seek(50_000_000)
        file.write(b"\1\2\3\4")
    with pytest.raises(UserError, match=f"has the SHA-256 {sha256(path)}, but {model.sha256} is asked for"):
        model.apply(weights, images("small"), "cpu")
    with pytest.raises(UserError, match="its model is of another file"):
        encoder("inception", path).apply(weights, images("small"), "cpu")
    path.unlink()


def test_nothing_in_a_file_is_executed(tmp_path: Path) -> None:
    planted = tmp_path / "executed"
    for name, whole in {"whole": Planted(planted), "part": {"fc.weight": Planted(planted)}}.items():
        path = saved(tmp_path / f"{name}.pth", whole)
        with pytest.raises(UserError, match="not a readable file of weights"):
            encoder("inception", path).fit(images("small"), 0, "cpu")
    assert not planted.exists()


@pytest.mark.parametrize("name", ["text.pth", "text.safetensors", "nested.pth", "list.pth"])
def test_what_is_no_file_of_weights(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.startswith("text"):
        path.write_text("<html>404</html>")
    else:
        saved(path, {"state_dict": {"fc.bias": torch.zeros(3)}} if name == "nested.pth" else [torch.zeros(3)])
    with pytest.raises(UserError, match=r"not a readable file of weights|holds no tensors by name") as raised:
        encoder("inception", path).fit(images("small"), 0, "cpu")
    assert "\n" not in str(raised.value)


def test_the_file_of_another_network_is_told_from_its_layers(tmp_path: Path, files: dict[str, Path]) -> None:
    torchvisions, fids = files["inception-imagenet"], files["inception"]
    with pytest.raises(UserError, match=r"another network: fc.weight is \[1000, 2048\], where .* has \[1008, 2048\]"):
        encoder("inception", torchvisions).fit(images("small"), 0, "cpu")
    with pytest.raises(UserError, match=r"another network: fc.weight is \[1008, 2048\], where .* has \[1000, 2048\]"):
        encoder("inception-imagenet", fids).fit(images("small"), 0, "cpu")
    small = {name: torch.zeros(()).expand(shape) for name, shape in shapes("inception").items()}
    lacking = {name: tensor for name, tensor in small.items() if name != "Mixed_6c.branch7x7_2.bn.bias"}
    path = saved(tmp_path / "lacking.pth", lacking)
    with pytest.raises(UserError, match=r"Mixed_6c.branch7x7_2.bn.bias is nothing, where this encoder has \[160\]"):
        encoder("inception", path).fit(images("small"), 0, "cpu")
    path = saved(tmp_path / "more.pth", {**small, "fc2.bias": torch.zeros(4)})
    with pytest.raises(UserError, match=r"another network: fc2.bias is \[4\], where this encoder has nothing"):
        encoder("inception", path).fit(images("small"), 0, "cpu")


@pytest.mark.parametrize("shape", [(64,), (4, 8, 8, 3), (51, 51, 25), (8, 8, 2)])
def test_samples_that_are_no_images(tmp_path: Path, shape: tuple[int, ...]) -> None:
    x = np.zeros((2, *shape), dtype=np.float32)
    with pytest.raises(UserError, match=r"encoder inception: samples have shape .* needs (grey or RGB )?images"):
        Inception(path=tmp_path / "weights.pth").fit(x, 0, "cpu")


def test_a_digest_has_64_digits(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="sha256"):
        Inception(path=tmp_path, sha256="6726825d")
