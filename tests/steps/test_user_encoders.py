"""Encoders that read users' files, from step to step: networks as ONNX files, and vectors from elsewhere."""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from numpy.typing import NDArray
from torch import nn

from gancensus.audit.check import Findings, check_inputs
from gancensus.cli.estimate.costs import predict
from gancensus.cli.main import SNAKEFILE
from gancensus.config.configuration import check_files, read
from gancensus.config.sections import Splits
from gancensus.contracts.encoder import Encoder
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Samples
from gancensus.domains.general.encoder_onnx import Onnx
from gancensus.domains.general.encoder_vectors import Vectors
from gancensus.domains.general.generator_files import Files as Generated
from gancensus.domains.general.source_files import Files
from gancensus.storage.samples import read_samples

Step = Callable[..., subprocess.CompletedProcess[str]]
RNG = np.random.default_rng(3)
REAL, MINE = (RNG.integers(0, 256, (n, 8, 8), dtype=np.uint8) for n in (900, 400))
REAL_Z, MINE_Z = (RNG.normal(size=(n, 5)).astype(np.float32) for n in (900, 400))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images and their vectors, and a network."""
    arrays: dict[str, NDArray[Any]] = {"real": REAL, "mine": MINE, "real-z": REAL_Z, "mine-z": MINE_Z}
    for name, x in arrays.items():
        np.save(tmp_path / f"{name}.npy", x)
    torch.manual_seed(1)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten())
    with warnings.catch_warnings(action="ignore"):
        torch.onnx.export(net, (torch.zeros(1, 3, 12, 12),), tmp_path / "net.onnx", dynamo=False)
    return tmp_path


def onnx_of(folder: Path) -> Onnx:
    return Onnx(path=folder / "net.onnx", resize=(12, 12))


def vectors_of(folder: Path) -> Vectors:
    return Vectors(path=folder / "real-z.npy", generated={"mine": folder / "mine-z.npy"})


def embedded(folder: Path, step: Step, encoder: Encoder, parts: int) -> dict[str, Samples] | str:
    """Prepare, generate, fit and embed as the rules do; return the vectors by population, or the first error."""
    out = folder / f"{encoder.kind}-{parts}"
    source, common = Files(path=folder / "real.npy").model_dump_json(), ["--seed", 4, "--device", "cpu"]
    splits, real = Splits(train_first=True).model_dump_json(), ("train", "calibrate", "holdout")
    tables = {p: [out / p / f"{part}.parquet" for part in range(parts)] for p in (*real, "mine-0")}

    def run(name: str, *options: object) -> None:
        done = step(name, *options)
        if done.returncode:
            raise UserError(done.stderr.strip())

    try:
        for part in range(parts):
            split = [word for p in real for word in (f"--{p}", tables[p][part])]
            at = ["--seed", 4, "--part", part, "--parts", parts]
            run("prepare", "--source", source, "--trained_on", "--splits", splits, *at, *split)
        made = Generated(path=folder / "mine.npy").model_dump_json()
        for part in range(parts):
            at = ["--part", part, "--parts", parts, "--model", "--like", *tables["holdout"]]
            named = ["--study", "s", "--population", "mine-0", "--generator", made]
            run("generate", *named, *common, *at, "--output", tables["mine-0"][part])
        counted = [source] if encoder.by_row else []
        fit = ["--study", "s", "--name", "e", "--encoder", encoder.concerning(None).model_dump_json(), *common]
        fit += ["--checkpoint", 300, "--source", *counted, "--train", *tables["train"], "--model", out / "model"]
        run("fit_encoder", *fit, "--history", out / "history.parquet")
        for population, paths in tables.items():
            generator = ["mine"] if population == "mine-0" else []
            mine = encoder.concerning(generator[0] if generator else None).model_dump_json()
            whole = paths if generator and encoder.by_row else []
            for part, path in enumerate(paths):
                at = ["--parts", parts, "--model", out / "model", "--samples", path, "--whole", *whole]
                output = out / "embedded" / population / f"{part}.parquet"
                run("embed", "--encoder", mine, "--generator", *generator, "--device", "cpu", *at, "--output", output)
    except UserError as error:
        return str(error)
    return {p: read_samples([out / "embedded" / p / path.name for path in tables[p]]) for p in tables}


def test_vectors_from_elsewhere_are_those_of_their_samples_in_any_number_of_parts(folder: Path, step: Step) -> None:
    one, three = (embedded(folder, step, vectors_of(folder), parts) for parts in (1, 3))
    assert isinstance(one, dict)
    assert isinstance(three, dict)
    for population, found in one.items():
        rows = found.sample_id % 10**9
        np.testing.assert_array_equal(found.x, (MINE_Z if population == "mine-0" else REAL_Z)[rows])
        np.testing.assert_array_equal(found.x, three[population].x)
        np.testing.assert_array_equal(found.sample_id, three[population].sample_id)
    assert {population: len(found) for population, found in one.items()} == {
        "train": 450,
        "calibrate": 225,
        "holdout": 225,
        "mine-0": 400,
    }


def test_a_network_embeds_every_population_in_any_number_of_parts(folder: Path, step: Step) -> None:
    one, three = (embedded(folder, step, onnx_of(folder), parts) for parts in (1, 3))
    assert isinstance(one, dict)
    assert isinstance(three, dict)
    for population, found in one.items():
        assert found.x.shape == (len(found), 16)
        np.testing.assert_array_equal(found.x, three[population].x)


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        ("real-z", 899, "real-z.npy: has 899 vectors, but the source has 900 samples; give every sample"),
        ("mine-z", 401, "mine-z.npy: has 401 vectors, but generator mine has 400 samples; give every sample"),
    ],
)
def test_vectors_of_other_samples_are_found_by_their_number(
    folder: Path, step: Step, name: str, rows: int, message: str
) -> None:
    np.save(folder / f"{name}.npy", np.resize(REAL_Z, (rows, 5)))
    for parts in (1, 3):
        found = embedded(folder, step, vectors_of(folder), parts)
        assert isinstance(found, str)
        assert found.startswith(f"error: {folder}/{message}")


# A configuration


def study(folder: Path, **changes: Any) -> Path:
    """Write a configuration in which both encoders are compared."""
    one = {
        "source": {"kind": "files", "path": str(folder / "real.npy")},
        "encoders": {
            "dino": {
                "kind": "vectors",
                "path": str(folder / "real-z.npy"),
                "generated": {"mine": str(folder / "mine-z.npy")},
            },
            "net": {"kind": "onnx", "path": str(folder / "net.onnx"), "resize": [12, 12]},
        },
        "generators": {"mine": {"kind": "files", "path": str(folder / "mine.npy")}},
        "definitions": {
            "near": {"euclidean": {"encoder": "dino", "alpha": 0.01}},
            "seen": {"euclidean": {"encoder": "net", "alpha": 0.01}},
        },
    }
    path = folder / "my.yaml"
    config = {"parts": 2, "device": "cpu", "studies": {"s": one | changes}}
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


def test_every_file_is_an_input_of_the_jobs_that_read_it(folder: Path) -> None:
    jobs, _ = predict(study(folder), {}, SNAKEFILE)
    inputs = {
        (job.rule, job.wildcards["encoder"], job.wildcards.get("population"), job.wildcards.get("part")): {
            Path(file).name for file in job.inputs if Path(file).suffix != ".parquet" and "model" not in file
        }
        for job in jobs
        if job.rule in ("fit_encoder", "embed")
    }
    assert inputs.pop(("fit_encoder", "dino", None, None)) == {"real.npy", "real-z.npy"}
    assert inputs.pop(("fit_encoder", "net", None, None)) == {"net.onnx"}
    for (_, encoder, population, _), files in inputs.items():
        vectors = {"real-z.npy"} | ({"mine-z.npy"} if population == "mine-0" else set())
        assert files == ({"net.onnx"} if encoder == "net" else vectors)
    assert len(inputs) == 2 * 4 * 2
    counted = [job for job in jobs if job.rule == "embed" and job.wildcards["encoder"] == "dino"]
    tables = {job.wildcards["population"]: [i for i in job.inputs if "samples/mine-0" in i] for job in counted}
    assert len(tables.pop("mine-0")) >= 2
    assert not any(tables.values())


def test_a_generator_that_is_added_leaves_the_other_jobs_as_they_are(folder: Path) -> None:
    before = {job.command for job in predict(study(folder), {}, SNAKEFILE)[0] if job.rule in ("fit_encoder", "embed")}
    encoders = yaml.safe_load((folder / "my.yaml").read_text())["studies"]["s"]["encoders"]
    encoders["dino"]["generated"]["more"] = str(folder / "mine-z.npy")
    generators = {name: {"kind": "files", "path": str(folder / "mine.npy")} for name in ("mine", "more")}
    path = study(folder, encoders=encoders, generators=generators)
    after = {job.command for job in predict(path, {}, SNAKEFILE)[0] if job.rule in ("fit_encoder", "embed")}
    assert before < after
    assert all("more-0" in command for command in after - before)


def test_files_that_are_not_there_are_missed_before_the_run(folder: Path) -> None:
    path = study(folder)
    for name in ("net.onnx", "mine-z.npy"):
        (folder / name).unlink()
    with pytest.raises(UserError) as error:
        check_files(read(path))
    assert [line.strip() for line in str(error.value).splitlines()[1:]] == [
        f"studies.s.encoders.dino: {folder}/mine-z.npy: no such file or folder",
        f"studies.s.encoders.net: {folder}/net.onnx: no such file or folder",
    ]


def test_samples_without_vectors_are_missed_before_the_run(folder: Path) -> None:
    generators = {"gan": {"kind": "dcgan"}, "other": {"kind": "files", "path": str(folder / "mine.npy")}}
    path = study(folder, generators=generators)
    with pytest.raises(UserError) as error:
        check_files(read(path))
    lines = [line.strip() for line in str(error.value).splitlines()[1:]]
    assert [line.split("; ")[0] for line in lines] == [
        "studies.s.encoders.dino.generated.mine: is not one of the study's generators",
        "studies.s.encoders.dino.generated: generator gan is trained here, so there are no vectors of its samples",
        "studies.s.encoders.dino.generated: has no vectors of generator other",
    ]


def test_vectors_for_a_selection_need_no_generated_ones(folder: Path) -> None:
    path = study(
        folder,
        encoders={"dino": {"kind": "vectors", "path": str(folder / "real-z.npy")}},
        selections={"dense": {"encoder": "dino", "score": {"kind": "gaussian"}, "keep": 0.5}},
        generators={"gan": {"kind": "dcgan", "train_on": "dense"}},
        definitions={"pixels": {"euclidean": {"alpha": 0.01}}},
    )
    check_files(read(path))


def checked(path: Path, cheap: bool = False) -> Findings:
    return check_inputs(read(path), cheap=cheap)


def test_check_finds_nothing_wrong_with_good_files(folder: Path) -> None:
    found = checked(study(folder))
    assert (found.problems, found.warnings) == ([], [])


def test_check_counts_vectors_and_tries_networks(folder: Path) -> None:
    np.save(folder / "real-z.npy", REAL_Z[:-1])
    bad = MINE_Z.copy()
    bad[7, 3] = np.nan
    np.save(folder / "mine-z.npy", bad)
    (folder / "net.onnx").write_bytes((folder / "net.onnx").read_bytes()[:200])
    found = [problem.replace(f"{folder}/", "") for problem in checked(study(folder)).problems]
    assert [problem.split(" (")[0].split("; ")[0] for problem in found] == [
        "studies.s.encoders.dino: real-z.npy: has 899 vectors, but the source has 900 samples",
        "studies.s.encoders.net: net.onnx: not a network that onnxruntime can run",
        "studies.s.encoders.dino: mine-z.npy: sample 7 has NaN or infinite values",
    ]


def test_an_estimate_knows_how_long_vectors_are(folder: Path) -> None:
    jobs, costs = predict(study(folder), {}, SNAKEFILE)
    written = {
        job.wildcards["encoder"]: cost.written
        for job, cost in zip(jobs, costs, strict=True)
        if job.rule == "embed" and job.wildcards["population"] == "mine-0" and job.wildcards["part"] == "0"
    }
    assert written["net"] / written["dino"] == pytest.approx(16 / 5)


def test_an_estimate_supposes_files_that_are_not_there(folder: Path) -> None:
    encoders = {"net": {"kind": "onnx", "path": str(folder / "net.onnx"), "resize": [12, 12]}}
    encoders["dino"] = {"kind": "vectors", "path": "none.npy", "generated": {"mine": "neither.npy"}}  # type: ignore[dict-item]
    definitions = {"seen": {"euclidean": {"encoder": "net", "alpha": 0.01}}}
    path = study(folder, encoders=encoders, definitions=definitions)
    assert [job.rule for job in predict(path, {}, SNAKEFILE)[0]].count("embed") == 8
