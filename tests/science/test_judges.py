from pathlib import Path

import numpy as np

from gancensus.contracts.generator import Generator
from gancensus.contracts.samples import Samples
from gancensus.domains.general.generator_files import Files
from gancensus.domains.images.generator_dcgan import Dcgan
from gancensus.domains.showers.generator_calogan import Calogan
from gancensus.domains.tables.generator_tabulargan import Tabulargan
from gancensus.storage.models import write_model
from gancensus.training.judges import judges_of
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
