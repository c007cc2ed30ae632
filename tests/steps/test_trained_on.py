"""Training samples that are none, or that are given apart: split, read, checked, and what cannot be done without."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gancensus.audit.check import check_inputs
from gancensus.audit.user_samples import EQUAL, EQUAL_TRAIN, population_beside
from gancensus.config import results
from gancensus.config.configuration import Study, check_files, load
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import generated_ids
from gancensus.domains.general.generator_files import Files as Given
from gancensus.domains.general.source_files import Files
from gancensus.domains.tables.generator_csv import Csv as GivenCsv
from gancensus.domains.tables.source_csv import Csv
from gancensus.report.inputs import noted
from gancensus.storage.samples import SampleRows, read_samples

Step = Callable[..., subprocess.CompletedProcess[str]]
SPLITS = ("train", "calibrate", "holdout")
NONE = {"train": 0, "calibrate": 0.5, "holdout": 0.5}
APART = (
    "set some real samples apart (splits: {train: 0.2}), name those that a model elsewhere has learned from in "
    "`trained_on`, or leave it out"
)


def save(path: Path, samples: int, seed: int = 0, shape: tuple[int, ...] = (3,)) -> Path:
    """Write an array of normal values."""
    np.save(path, np.random.default_rng(seed).normal(size=(samples, *shape)).astype(np.float32))
    return path


def prepare(step: Step, folder: Path, source: Any, given: Any = None, parts: int = 1) -> dict[str, list[Path]]:
    """Split without train, or with that which is given; return the files of every split."""
    files = {name: [folder / name / f"{part}.parquet" for part in range(parts)] for name in SPLITS}
    for part in range(parts):
        outputs = [word for name, paths in files.items() for word in (f"--{name}", paths[part])]
        given_json = [] if given is None else [given.model_dump_json()]
        what = ["--source", source.model_dump_json(), "--trained_on", *given_json, "--splits", json.dumps(NONE)]
        done = step("prepare", *what, "--seed", 1, "--part", part, "--parts", parts, *outputs)
        if done.returncode:
            raise UserError(done.stderr.strip())
    return files


@pytest.mark.parametrize("parts", [1, 2])
def test_samples_that_equal_held_out_ones_are_noted(step: Step, tmp_path: Path, parts: int) -> None:
    """60 of 400 real samples are given; of rows that are equal by chance nothing is said."""
    real = np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32)
    np.save(tmp_path / "real.npy", real)
    np.save(tmp_path / "given.npy", np.concatenate([real[:60], real[:100] + np.float32(0.1)]))
    files = prepare(step, tmp_path, Files(path=tmp_path / "real.npy"), Given(path=tmp_path / "given.npy"), parts)
    holdout = SampleRows(files["holdout"])
    there = int((holdout.whole().sample_id < 60).sum())
    assert 10 < there < 50
    assert noted(files["train"])[EQUAL_TRAIN] == there

    made = population_beside(Given(path=tmp_path / "given.npy"), holdout, [], "made-0")
    assert EQUAL not in made.notes.counts()  # nothing has been read
    made.take(slice(None))
    assert made.notes.counts()[EQUAL] == there

    few = np.random.default_rng(0).integers(0, 3, (400, 3)).astype(np.float32)
    np.save(tmp_path / "real.npy", few)
    files = prepare(step, tmp_path, Files(path=tmp_path / "real.npy"), Given(path=tmp_path / "real.npy"), parts)
    assert EQUAL_TRAIN not in noted(files["train"])


def test_train_is_there_and_empty(step: Step, tmp_path: Path) -> None:
    files = prepare(step, tmp_path, Files(path=save(tmp_path / "real.npy", 600)), parts=2)
    found = {name: read_samples(paths) for name, paths in files.items()}
    assert {name: len(samples) for name, samples in found.items()} == {"train": 0, "calibrate": 300, "holdout": 300}
    assert found["train"].shape == (3,)


def test_what_is_given_is_train_in_the_units_of_the_real_samples(step: Step, tmp_path: Path) -> None:
    real, given = save(tmp_path / "real.npy", 700), save(tmp_path / "given.npy", 600, seed=1)
    one, three = (
        {
            name: read_samples(paths)
            for name, paths in prepare(step, tmp_path / str(n), Files(path=real), Given(path=given), n).items()
        }
        for n in (1, 3)
    )
    for name in SPLITS:
        np.testing.assert_array_equal(one[name].x, three[name].x)
        np.testing.assert_array_equal(one[name].sample_id, three[name].sample_id)
    np.testing.assert_array_equal(one["train"].sample_id, generated_ids("train", range(600)))
    assert one["train"].scale == one["holdout"].scale
    np.testing.assert_allclose(one["train"].natural(), np.load(given), atol=1e-6)
    bare = prepare(step, tmp_path / "bare", Files(path=real))
    for name in ("calibrate", "holdout"):  # which do not depend on it
        assert bare[name][0].read_bytes() == (tmp_path / "1" / name / "0.parquet").read_bytes()
    (note,) = noted([tmp_path / "1/train/0.parquet"])
    assert note == "read as 600 samples of 3 values, float32"


def test_rows_of_a_table_are_given_as_its_source_writes_them(step: Step, tmp_path: Path) -> None:
    rows = [f"{20 + k % 40},{'red' if k % 3 else 'blue'}" for k in range(60)]
    (tmp_path / "real.csv").write_text("\n".join(["age,colour", *rows]) + "\n")
    (tmp_path / "given.csv").write_text("colour,age\nblue,25\nred,31\nblue,44\n")
    source, given = Csv(path=tmp_path / "real.csv"), GivenCsv(path=tmp_path / "given.csv")
    files = prepare(step, tmp_path, source, given)
    train, holdout = read_samples(files["train"]), read_samples(files["holdout"])
    assert train.scale is not None and holdout.scale is not None
    assert [column.name for column in train.scale.columns] == ["age", "colour"]
    np.testing.assert_allclose(train.natural()[:, 0], [25, 31, 44])


def test_what_is_no_sample_of_the_study_is_refused(step: Step, tmp_path: Path) -> None:
    real, given = save(tmp_path / "real.npy", 600), save(tmp_path / "given.npy", 600, 1, (4,))
    with pytest.raises(UserError) as error:
        prepare(step, tmp_path, Files(path=real), Given(path=given))
    assert str(error.value) == (
        f"error: {given}: samples have shape (4,), but the real samples have (3,); give both the same shape"
    )
    np.save(real, np.random.default_rng(0).integers(0, 256, (600, 4, 4)).astype(np.uint8))
    np.save(given, np.random.default_rng(1).random((600, 4, 4)))
    with pytest.raises(UserError, match=r"given.npy: .*; convert both to the same units, or, if they are the same"):
        prepare(step, tmp_path, Files(path=real), Given(path=given))


def config(folder: Path, **changes: Any) -> dict[str, Any]:
    """A study without train."""
    study = {
        "source": {"kind": "files", "path": str(save(folder / "real.npy", 600))},
        "splits": NONE,
        "generators": {"made": {"kind": "files", "path": str(save(folder / "made.npy", 300, 1))}},
        "definitions": {"near": {"euclidean": {"alpha": 0.01}}},
    }
    return {"studies": {"s": study | changes}}


def lines(raw: dict[str, Any]) -> list[str]:
    """What is wrong with a configuration."""
    with pytest.raises(UserError) as error:
        check_files(load(raw))
    return [line.strip() for line in str(error.value).splitlines()[1:]]


def study_of(raw: dict[str, Any]) -> Study:
    """The study, which is right."""
    read = load(raw)
    check_files(read)
    return read.studies["s"]


def test_a_study_knows_its_real_populations(tmp_path: Path) -> None:
    bare = study_of(config(tmp_path))
    assert (bare.real, bare.unseen) == (("calibrate", "holdout"), ["made-0"])
    assert bare.reference("made-0") == ["holdout"]
    assert [search.name for search in results.searches(bare)] == ["holdout", "made-0", "made-0~holdout"]
    assert results.counted(bare) == ["holdout", "made-0"]
    assert results.answered(bare) == ["made-0"]
    given = {"kind": "files", "path": str(save(tmp_path / "given.npy", 400, 2))}
    for splits in (NONE, {}):
        apart = study_of(config(tmp_path, trained_on=given, splits=splits))
        assert (apart.real, apart.unseen, apart.cut.train) == (SPLITS, [], 0)
        assert apart.reference("made-0") == ["holdout"]
        names = [search.name for search in results.searches(apart)]
        assert names == ["train", "holdout", "made-0", "holdout~train", "made-0~train", "made-0~holdout"]
        assert results.answered(apart) == ["train", "made-0"]
    split = study_of(config(tmp_path, splits={}))
    assert (split.real, split.unseen) == (SPLITS, ["made-0"])
    assert split.reference("made-0") == ["holdout", "train"]
    named = [search.name for search in results.searches(split)]
    assert named == names


def test_all_that_needs_training_samples_is_named_at_once(tmp_path: Path) -> None:
    raw = config(
        tmp_path,
        generators={"gan": {"kind": "toygan"}},
        encoders={"pca": {"kind": "pca", "components": 2}},
        selections={"dense": {"score": {"kind": "random"}, "keep": 0.5}},
        fidelity={"reference": "train"},
        nearest={},
        mapper={},
        persistence={},
    )
    assert lines(raw) == [
        f"studies.s.{key}: {why}, and `splits.train` is 0; {APART}"
        for key, why in (
            ("generators.gan", "is trained here"),
            ("selections.dense", "keeps some of the training samples"),
            ("encoders.pca", "kind pca is fitted on training samples"),
            ("mapper", "needs training samples"),
            ("nearest", "needs training samples"),
            ("persistence", "needs training samples"),
        )
    ] + ["studies.s.fidelity: reference: `train` has no samples, as `splits.train` is 0; compare with holdout"]
    given = {"kind": "files", "path": str(save(tmp_path / "given.npy", 400, 2))}
    study_of({"studies": {"s": raw["studies"]["s"] | {"trained_on": given}}})


def test_what_does_not_go_together_with_trained_on(tmp_path: Path) -> None:
    given = {"kind": "files", "path": str(save(tmp_path / "given.npy", 400, 2))}
    splits = {"train": 0.3, "calibrate": 0.2, "holdout": 0.2, "train_first": True}
    assert lines(config(tmp_path, trained_on=given, splits=splits)) == [
        "studies.s.splits.train: 0.3, but `trained_on` says what is `train`; leave it out, or write 0",
        "studies.s.splits.train_first: `trained_on` says what models have learned from; leave one of the two out",
    ]
    encoders = {"one": {"kind": "autoencoder", "only": 0}}
    (line,) = lines(config(tmp_path, trained_on=given, encoders=encoders))
    assert line == "studies.s.encoders.one.only: samples of `trained_on` have no classes; leave it out"
    (line,) = lines(config(tmp_path, trained_on={"kind": "files", "path": str(tmp_path / "no.npy")}))
    assert line == f"studies.s.trained_on: {tmp_path / 'no.npy'}: no such file or folder"
    with pytest.raises(UserError, match=r"trained_on: kind 'toygan' is trained here; give the files that models"):
        load(config(tmp_path, trained_on={"kind": "toygan"}))
    with pytest.raises(UserError, match=r"add up to more than 1; `train` is 0.5 unless it is written"):
        load(config(tmp_path, trained_on=given, splits={"calibrate": 0.5, "holdout": 0.5}))
    with pytest.raises(UserError, match=r"train_first says where `train` begins, and `train` is 0: leave it out"):
        load(config(tmp_path, splits=NONE | {"train_first": True}))


def test_images_are_read_alike_and_from_folders_apart(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    (folder / "inner").mkdir(parents=True)
    source = {"kind": "imagefolder", "path": str(folder), "size": 8}
    inner = {"kind": "imagefolder", "path": str(folder / "inner"), "size": 16}
    assert [line.partition(";")[0] for line in lines(config(tmp_path, source=source, trained_on=inner))][-2:] == [
        "studies.s.trained_on.size: [16, 16], but that of the source is [8, 8]",
        f"studies.s.trained_on.path: {folder / 'inner'}, but source.path: {folder}",
    ]


def test_vectors_of_what_is_given_have_a_file_of_their_own(tmp_path: Path) -> None:
    for name, samples in (("real", 600), ("made", 300), ("given", 400)):
        save(tmp_path / f"{name}-z.npy", samples)
    vectors = {"made": str(tmp_path / "made-z.npy")}
    encoder = {"kind": "vectors", "path": str(tmp_path / "real-z.npy"), "generated": vectors}
    parts = {
        "encoders": {"z": encoder},
        "definitions": {"near": {"euclidean": {"encoder": "z", "alpha": 0.01}}},
        "trained_on": {"kind": "files", "path": str(save(tmp_path / "given.npy", 400, 2))},
    }
    (line,) = lines(config(tmp_path, **parts))
    assert line == "studies.s.encoders.z.generated: has no vectors of generator train; add `train: FILE`"
    vectors["train"] = str(tmp_path / "given-z.npy")
    assert not check_inputs(load(config(tmp_path, **parts))).problems
    save(tmp_path / "given-z.npy", 399)
    (problem,) = check_inputs(load(config(tmp_path, **parts))).problems
    assert "has 399 vectors, but generator train has 400 samples" in problem


def test_real_samples_that_were_learned_from_are_counted(tmp_path: Path) -> None:
    raw = config(tmp_path, trained_on={"kind": "files", "path": str(save(tmp_path / "given.npy", 400, 2))})
    found = check_inputs(load(raw))
    assert (found.problems, found.warnings) == ([], [])
    assert "studies.s.trained_on: read as 400 samples of 3 values, float32" in found.read
    both = np.concatenate([np.load(tmp_path / "real.npy")[100:150], np.load(tmp_path / "given.npy")])
    np.save(tmp_path / "given.npy", both)
    (warning,) = check_inputs(load(raw)).warnings
    assert warning == (
        "studies.s.trained_on: 50 of the 600 real samples are among these, too: a generated sample that is near one "
        "of them is no sign of a copy; give real samples that the model has not learned from"
    )
    np.save(tmp_path / "given.npy", both[:, :2])
    (problem,) = check_inputs(load(raw)).problems
    assert problem.startswith(f"studies.s.trained_on: {tmp_path / 'given.npy'}: samples have shape (2,)")
