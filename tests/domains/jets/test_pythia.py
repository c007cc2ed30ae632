"""Simulated jets: same seed, same bytes whatever is simulated with them; what the jets are."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Samples
from gancensus.domains.jets import pythia
from gancensus.domains.jets.source_pythia import Pythia

simulated = pytest.mark.skipif(pythia.lacking() is not None, reason="pythia8mc and fastjet are not installed")


def same(a: Samples, b: Samples) -> bool:
    assert a.label is not None and b.label is not None
    conditions = [np.array_equal(a.conditions[name], b.conditions[name]) for name in b.conditions]
    return np.array_equal(a.x, b.x) and np.array_equal(a.label, b.label) and all(conditions)


@pytest.fixture(scope="module")
def jets() -> Samples:
    return Pythia(jets=30).load(5).take(slice(None))


@simulated
def test_a_jet_is_the_same_whatever_is_simulated_with_it(jets: Samples) -> None:
    """Backwards, a few of many more, and after others; in another order within the same Pythia, too."""
    rows = np.array([71, 3, 4, 50, 49, 48, 0])
    other = Pythia(jets=5000).load(5)
    assert same(other.take(rows), jets.take(rows))
    assert same(other.take(rows[::-1]), jets.take(rows[::-1]))
    assert not np.array_equal(Pythia(jets=30).load(6).take(rows).x, jets.take(rows).x)
    assert len(np.unique(jets.x, axis=0)) == len(jets)


@simulated
def test_another_process_gives_the_same_bytes(jets: Samples) -> None:
    """With nothing but the banner of FastJet, which goes to stderr."""
    code = (
        "import hashlib, numpy; from gancensus.domains.jets.source_pythia import Pythia\n"
        "print(hashlib.sha256(Pythia(jets=30).load(5).take(numpy.array([80, 7])).x.tobytes()).hexdigest())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    import hashlib

    assert done.stdout.split() == [hashlib.sha256(jets.take(np.array([80, 7])).x.tobytes()).hexdigest()]
    assert "FastJet" in done.stderr


@simulated
def test_a_process_that_is_added_leaves_the_jets_of_the_others(jets: Samples) -> None:
    tops = Pythia(jets=30, processes=("top",)).load(5).take(slice(5))
    np.testing.assert_array_equal(tops.x, jets.x[1:15:3])


@simulated
def test_what_the_jets_are(jets: Samples) -> None:
    assert jets.label is not None
    assert jets.label.tolist() == [0, 1, 2] * 30
    assert Pythia(jets=1).classes == {0: "QCD", 1: "top", 2: "W"}
    pt, mass = jets.conditions["pt"], jets.conditions["mass"]
    assert ((pt >= 1000) & (pt < 1400)).all()
    for label, (low, high) in {1: (160, 260), 2: (78, 150)}.items():  # with radiation and some of the underlying event
        tenth, half = np.quantile(mass[jets.label == label], (0.1, 0.5))
        assert low < tenth < half < high
    assert np.median(jets.conditions["tau32"][jets.label == 1]) < np.median(jets.conditions["tau32"][jets.label == 0])
    assert np.median(jets.conditions["tau21"][jets.label == 2]) < np.median(jets.conditions["tau21"][jets.label == 0])
    assert (jets.x >= 0).all()
    np.testing.assert_allclose(jets.x.sum(axis=(1, 2)), 1, rtol=1e-5)


@simulated
def test_the_forms(jets: Samples) -> None:
    """Constituents and images in GeV have the pt of the jet, but for that the sum here is not one of vectors."""
    options: dict[str, Any] = {"jets": 2, "processes": ("w",)}
    clouds = Pythia(**options, form="constituents", particles=300).load(5).take(slice(None))
    images = Pythia(**options, normalise=False).load(5).take(slice(None))
    assert clouds.shape == (300, 3)
    assert images.shape == (40, 40)
    pt = clouds.natural()[..., 0]
    assert (np.diff(pt, axis=1) <= 0).all()
    np.testing.assert_array_equal((pt > 0).sum(axis=1), clouds.conditions["multiplicity"])
    np.testing.assert_allclose(images.natural().sum(axis=(1, 2)), pt.sum(axis=1), rtol=0.02)
    np.testing.assert_allclose(pt.sum(axis=1), clouds.conditions["pt"], rtol=0.1)
    assert np.abs(clouds.x).max() <= 1
    assert clouds.scale is not None and clouds.scale.names == ("pt", "eta", "phi")
    view = Pythia(**options).view(images)
    assert view is not None and view.shape == (2, 40, 40, 3)
    seen = Pythia(**options, form="constituents").view(clouds)
    assert seen is not None
    assert (seen == view).mean() > 0.99


@simulated
def test_jets_that_do_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pythia, "TRIES", 20)
    with pytest.raises(UserError, match="gave no jet with pt 3000 to 3100 GeV; change `pthat` or `pt`"):
        Pythia(jets=1, processes=("qcd",), pt=(3000, 3100), pthat=(300, 320)).load(0).take(slice(None))


def test_no_two_jets_have_one_seed() -> None:
    seeds = [pythia.seed_of(8 * 10**17, jet) for jet in range(100_000)]
    assert len(set(seeds)) == len(seeds)
    assert min(seeds) >= 1
    assert max(seeds) <= pythia.SEEDS
    assert np.gcd(pythia.STRIDE, pythia.SEEDS) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"processes": ("qcd", "qcd")}, "names one twice"),
        ({"pt": (500, 400)}, "`pt` needs its lowest"),
        ({"pthat": (500, 500)}, "`pthat` needs its lowest"),
        ({"processes": ()}, "at least 1"),
    ],
)
def test_wrong_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Pythia(jets=1, **options)


@pytest.mark.parametrize(
    ("absent", "named"),
    [(["pythia8mc", "fastjet"], "packages pythia8mc and fastjet"), (["fastjet"], "package fastjet")],
)
def test_a_missing_package(absent: Sequence[str], named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(name: str) -> object:
        return None if name in absent else find_spec("numpy")

    monkeypatch.setattr(pythia, "find_spec", found)
    lack = f"needs the {named}: pip install 'gancensus[jets]'"
    assert Pythia(jets=1).lacking() == lack
    with pytest.raises(UserError) as caught:
        Pythia(jets=1).load(0)
    assert str(caught.value) == f"source pythia: {lack}"
