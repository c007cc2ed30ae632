from pathlib import Path

import numpy as np

from gancensus.contracts.generator import Generator
from gancensus.contracts.samples import Samples
from gancensus.domains.general.encoder_pca import Pca
from gancensus.domains.general.generator_files import Files
from gancensus.domains.images.generator_dcgan import Dcgan
from gancensus.domains.showers.generator_calogan import Calogan
from gancensus.domains.tables.generator_tabulargan import Tabulargan
from gancensus.storage.models import write_model
from gancensus.storage.samples import SampleRows, write_samples
from gancensus.training.judges import judges_of, networks_of
from gancensus.training.loop import architecture

X = np.random.default_rng(0).uniform(-1, 1, (60, 3)).astype(np.float32)


def test_each_population_is_judged_by_its_own_model(tmp_path: Path) -> None:
    first, second = Tabulargan(epochs=1), Tabulargan(epochs=1, latent=5)
    generators: dict[str, Generator] = {
        "first-0": first,
        "file-0": Files(path=Path("x.npy")),
        "showers-0": Calogan(),  # whose discriminator knows batches alone
        "second-0": second,
    }
    models, expected = [], {}
    for name, gan in (("first-0", first), ("second-0", second)):
        models.append(tmp_path / f"{name}.safetensors")
        weights = gan.train(Samples(X, np.arange(len(X))), len(models), "cpu").weights
        write_model(models[-1], weights, architecture(gan, (3,)))
        expected[name] = gan.judge(weights, X, "cpu")
    judges = judges_of(generators, models)
    assert list(judges) == ["first-0", "second-0"]
    for name, judge in judges.items():
        np.testing.assert_array_equal(judge(X), expected[name])


def test_without_models_nobody_judges() -> None:
    assert judges_of({"gan-0": Dcgan()}, []) == {}


def test_each_encoder_is_asked_with_its_own_weights(tmp_path: Path) -> None:
    train = tmp_path / "train.parquet"
    write_samples(train, Samples(X, np.arange(len(X))))
    encoders = {"one": Pca(components=1), "two": Pca(components=2)}
    paths = [tmp_path / f"{name}.safetensors" for name in encoders]
    for pca, path in zip(encoders.values(), paths, strict=True):
        write_model(path, pca.fit(X, 0, "cpu").weights, architecture(pca, (3,)))
    found = networks_of(encoders, paths, SampleRows([train]))
    assert {name: one.encoder for name, one in found.items()} == encoders
    for name, (encoder, weights, device) in found.items():
        assert encoder.apply(weights, X, device).shape == (60, encoders[name].components)
    assert networks_of({}, [], SampleRows([train])) == {}
