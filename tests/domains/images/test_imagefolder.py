"""Folders of images of any size: what becomes of each, by Pillow's own operations, and that both sides are alike."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling

from gancensus.audit.check import check_inputs
from gancensus.audit.user_samples import as_population
from gancensus.cli.estimate.costs import Prediction
from gancensus.cli.estimate.rates import DECODE, IMAGE
from gancensus.config.configuration import check_files, load
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import LazySamples
from gancensus.domains.images.generator_imagefolder import ImageFolder as Generated
from gancensus.domains.images.source_imagefolder import ImageFolder
from gancensus.report.inputs import noted as notes_in_tables
from gancensus.storage.samples import read_samples

Step = Callable[..., subprocess.CompletedProcess[str]]
RNG = np.random.default_rng(0)
FILTERS = {
    "bilinear": Resampling.BILINEAR,
    "bicubic": Resampling.BICUBIC,
    "lanczos": Resampling.LANCZOS,
    "box": Resampling.BOX,
}
SIZES = [(40, 40), (64, 48), (37, 91), (12, 12), (16, 12), (9, 200), (12, 16), (5, 7), (13, 12)]  # width, height


def picture(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Noise, in which every slip of a pixel shows."""
    return Image.fromarray(RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)).convert(mode)


def save(path: Path, image: Image.Image, **options: Any) -> Image.Image:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return image


def everything(source: ImageFolder | Generated) -> NDArray[np.uint8]:
    found: NDArray[np.uint8] = images(source).read(np.arange(len(images(source))))
    return found


def images(source: ImageFolder | Generated) -> LazySamples:
    return source.images()


def noted(folder: Path, **keys: Any) -> dict[str, int | None]:
    found = images(ImageFolder(path=folder, **keys))
    found.read(np.arange(len(found)))
    return dict(list(found.notes.counts().items())[2:])


def torchvision(image: Image.Image, height: int, width: int, resampling: Resampling) -> Image.Image:
    """Resize and CenterCrop of torchvision 0.20 (transforms/functional.py), for one number as its size."""
    w, h = image.size
    short, long = (w, h) if w <= h else (h, w)
    new_short, new_long = height, int(height * long / short)
    new = (new_short, new_long) if w <= h else (new_long, new_short)
    resized = image.resize(new, resampling)
    top, left = round((resized.height - height) / 2.0), round((resized.width - width) / 2.0)
    return resized.crop((left, top, left + width, top + height))


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("size", SIZES)
def test_crop_is_resize_and_centre_crop_of_torchvision(tmp_path: Path, size: tuple[int, int], name: Any) -> None:
    expected = torchvision(save(tmp_path / "0.png", picture(*size)), 12, 12, FILTERS[name])
    found = everything(ImageFolder(path=tmp_path, size=12, filter=name))
    np.testing.assert_array_equal(found, np.asarray(expected)[None])


def test_a_size_of_two_numbers_is_height_and_width(tmp_path: Path) -> None:
    """60 x 40 pixels are resized to 30 x 20, which covers 12 x 20; of the width the middle is kept."""
    expected = save(tmp_path / "0.png", picture(60, 40)).resize((30, 20), Resampling.BILINEAR).crop((9, 0, 21, 20))
    found = everything(ImageFolder(path=tmp_path, size=(20, 12)))
    assert found.shape == (1, 20, 12, 3)
    np.testing.assert_array_equal(found[0], np.asarray(expected))


@pytest.mark.parametrize("name", FILTERS)
def test_stretch(tmp_path: Path, name: Any) -> None:
    expected = save(tmp_path / "0.png", picture(61, 40)).resize((12, 20), FILTERS[name])
    found = everything(ImageFolder(path=tmp_path, size=(20, 12), fit="stretch", filter=name))
    np.testing.assert_array_equal(found[0], np.asarray(expected))


@pytest.mark.parametrize("background", ["white", "black"])
def test_pad(tmp_path: Path, background: Any) -> None:
    inner = save(tmp_path / "0.png", picture(60, 30)).resize((12, 6), Resampling.LANCZOS)
    expected = Image.new("RGB", (12, 12), background)
    expected.paste(inner, (0, 3))
    source = ImageFolder(path=tmp_path, size=12, fit="pad", filter="lanczos", background=background)
    np.testing.assert_array_equal(everything(source)[0], np.asarray(expected))
    save(tmp_path / "1.png", picture(1, 5000))  # 0 pixels wide, rounded
    assert (everything(source)[1, :, 0] == (255 if background == "white" else 0)).all()


@pytest.mark.parametrize("fit", ["crop", "stretch", "pad"])
def test_images_of_the_size_are_left_as_they_are(tmp_path: Path, fit: Any) -> None:
    image = save(tmp_path / "0.png", picture(12, 20))
    np.testing.assert_array_equal(everything(ImageFolder(path=tmp_path, size=(20, 12), fit=fit))[0], np.asarray(image))
    assert noted(tmp_path, size=[20, 12], fit=fit) == {}


def test_a_mere_crop_changes_no_value(tmp_path: Path) -> None:
    image = save(tmp_path / "0.png", picture(18, 12))
    for name in FILTERS:
        found = everything(ImageFolder(path=tmp_path, size=12, filter=name))
        np.testing.assert_array_equal(found[0], np.asarray(image)[:, 3:15])
    assert noted(tmp_path, size=12) == {"cropped at the centre": 1}


def test_nothing_is_aliased(tmp_path: Path) -> None:
    """Of a fine chessboard, taking every eighth pixel leaves black or white; all of them together are grey."""
    board = ((np.indices((96, 96)).sum(axis=0) % 2) * 255).astype(np.uint8)
    save(tmp_path / "0.png", Image.fromarray(board))
    for name in FILTERS:
        found = everything(ImageFolder(path=tmp_path, size=12, filter=name, colours="grey"))
        assert np.abs(found.astype(int) - 127.5).max() < 3


def test_a_very_long_image_is_refused_before_it_takes_all_memory(tmp_path: Path) -> None:
    """Resized whole, it would have 512 x 7,680,000 pixels."""
    save(tmp_path / "0.png", picture(15_000, 1))
    with pytest.raises(UserError) as error:
        everything(ImageFolder(path=tmp_path, size=512))
    assert str(error.value) == (
        f"{tmp_path}/0.png: is 15000 x 1 pixels, too long to be cropped to 512 x 512; remove it, or choose another fit"
    )
    assert everything(ImageFolder(path=tmp_path, size=512, fit="pad")).shape == (1, 512, 512, 3)


# Modes


def test_modes(tmp_path: Path) -> None:
    """Each as Pillow converts it; transparent pixels on the background, half-transparent ones mixed with it."""
    base = picture(12, 12)
    clear = base.copy()
    clear.putalpha(Image.fromarray(RNG.integers(0, 256, (12, 12), dtype=np.uint8)))
    on_black = Image.alpha_composite(Image.new("RGBA", (12, 12), "black"), clear)
    grey_clear = clear.convert("LA")
    cmyk = save(tmp_path / "0.tif", base.convert("CMYK"))
    palette = save(tmp_path / "1.png", base.quantize(16))
    save(tmp_path / "2.png", clear)
    save(tmp_path / "3.png", grey_clear)
    one_bit = save(tmp_path / "4.png", base.convert("1"))
    grey = save(tmp_path / "5.png", base.convert("L"))
    mixed = Image.alpha_composite(Image.new("RGBA", (12, 12), "black"), grey_clear.convert("RGBA"))
    expected = [cmyk, palette, on_black, mixed, one_bit, grey]
    found = everything(ImageFolder(path=tmp_path, size=12, background="black"))
    for k, image in enumerate(expected):
        np.testing.assert_array_equal(found[k], np.asarray(image.convert("RGB")))
    found = everything(ImageFolder(path=tmp_path, size=12, background="black", colours="grey"))
    for k, image in enumerate(expected):
        np.testing.assert_array_equal(found[k], np.asarray(image.convert("RGB").convert("L")))
    composited, turned_grey = {"transparent pixels composited on black": 2}, "colours read as grey"
    assert noted(tmp_path, size=12, background="black") == {"grey images read as colours": 3, **composited}
    assert noted(tmp_path, size=12, background="black", colours="grey") == {turned_grey: 3, **composited}


def test_transparent_edges_are_composited_before_they_are_resized(tmp_path: Path) -> None:
    """The colours that are hidden there must not bleed into what is seen."""
    hidden = np.zeros((48, 48, 4), np.uint8)
    hidden[:, :24] = (255, 255, 255, 255)
    hidden[:, 24:] = (255, 0, 0, 0)
    save(tmp_path / "0.png", Image.fromarray(hidden))
    assert (everything(ImageFolder(path=tmp_path, size=12)) == 255).all()


@pytest.mark.parametrize(("suffix", "mode"), [("png", "I;16"), ("tif", "I;16"), ("tif", "F"), ("tif", "I")])
def test_more_than_eight_bits_are_refused(tmp_path: Path, suffix: str, mode: str) -> None:
    save(tmp_path / "0.png", picture(20, 20))
    deep = np.arange(400).reshape(20, 20)
    kind = {"I;16": "u2", "F": "f4", "I": "i4"}[mode]
    save(tmp_path / f"1.{suffix}", Image.fromarray(deep.astype(kind)))
    with pytest.raises(UserError, match=rf"1\.{suffix}: has more than 8 bits a pixel, .* use kind files") as error:
        everything(ImageFolder(path=tmp_path, size=12))
    assert "\n" not in str(error.value)


# Orientation and pages


def test_images_are_turned_before_they_are_cropped(tmp_path: Path) -> None:
    """A photograph that lies on its side: stored 36 x 12 with the orientation 6, it is 12 wide and 36 high."""
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = save(tmp_path / "0.png", picture(36, 12), exif=exif)
    upright = stored.transpose(Image.Transpose.ROTATE_270)
    found = everything(ImageFolder(path=tmp_path, size=[12, 12]))
    np.testing.assert_array_equal(found[0], np.asarray(upright)[12:24])
    tall = everything(ImageFolder(path=tmp_path, size=[36, 12]))
    np.testing.assert_array_equal(tall[0], np.asarray(upright))
    assert noted(tmp_path, size=[18, 6]) == {
        "turned as their EXIF orientation says": 1,
        "resized from 12 x 36 pixels": 1,
    }


def test_pages_of_any_size(tmp_path: Path) -> None:
    pages = [picture(24, 24), picture(12, 12), picture(30, 12)]
    pages[0].save(tmp_path / "0.tif", save_all=True, append_images=pages[1:])
    found = everything(ImageFolder(path=tmp_path, size=12))
    np.testing.assert_array_equal(found[0], np.asarray(pages[0].resize((12, 12), Resampling.BILINEAR)))
    np.testing.assert_array_equal(found[1], np.asarray(pages[1]))
    np.testing.assert_array_equal(found[2], np.asarray(pages[2])[:, 9:21])


# Rows, scale, classes, notes


def mixed(folder: Path, count: int = 40) -> Path:
    """Images of many sizes and modes in two classes."""
    for k in range(count):
        width, height = SIZES[k % len(SIZES)]
        save(folder / ("dog" if k % 3 else "cat") / f"{k:03}.png", picture(width, height, ("RGB", "L", "RGBA")[k % 3]))
    return folder


def test_rows_are_read_as_they_are_wanted_and_scaled_from_0_to_255(tmp_path: Path) -> None:
    source = ImageFolder(path=mixed(tmp_path), size=12)
    found, whole = source.load(0), everything(source)
    rows = np.array([33, 0, 7, 7])
    some = found.take(rows)
    np.testing.assert_allclose(some.x, whole[rows] / 127.5 - 1, atol=1e-6)
    np.testing.assert_allclose(some.natural(), whole[rows], atol=1e-4)
    assert some.label is not None
    assert some.label.tolist() == [1, 0, 0, 0]
    assert found.shape == (12, 12, 3)


def test_only_what_is_wanted_is_opened(tmp_path: Path) -> None:
    found = ImageFolder(path=mixed(tmp_path, 100), size=12).load(0)
    for path in sorted(tmp_path.glob("dog/*.png"))[:-1]:
        path.unlink()
    assert len(found.take(np.array([0, 5, 99]))) == 3
    with pytest.raises(UserError, match="No such file"):
        found.take(np.array([50]))


@pytest.mark.parametrize("parts", [1, 3])
def test_parts_change_no_value_and_no_note(tmp_path: Path, step: Step, parts: int) -> None:
    source = ImageFolder(path=mixed(tmp_path / "real", 900), size=12)
    splits = json.dumps({"train": 600, "calibrate": 10, "holdout": 290})
    names, made = ("train", "calibrate", "holdout"), dict[str, list[Path]]()
    for part in range(parts):
        files = {name: tmp_path / name / f"{part}.parquet" for name in names}
        outputs = [word for name, path in files.items() for word in (f"--{name}", path)]
        where = ("--seed", 0, "--part", part, "--parts", parts)
        run = step(
            "prepare", "--source", source.model_dump_json(), "--trained_on", "--splits", splits, *where, *outputs
        )
        assert run.returncode == 0, run.stderr
        for name, path in files.items():
            made.setdefault(name, []).append(path)
    whole = source.load(0)
    train = read_samples(made["train"])
    np.testing.assert_array_equal(train.x, whole.take(train.sample_id).x)
    counted = notes_in_tables([path for name in names for path in made[name]])
    whole.notes.restart()
    whole.take(slice(None))
    assert counted == whole.notes.counts()


def test_notes_name_the_usual_sizes(tmp_path: Path) -> None:
    for k in range(64):
        save(tmp_path / f"{k:02}.png", picture(*((40, 40), (24, 30), (6, 6), (12, 12))[k // 16]))
    assert noted(tmp_path, size=12) == {
        "resized from 40 x 40 pixels": 16,
        "resized from 24 x 30 pixels": 16,
        "cropped at the centre": 16,
        "warning: upscaled from 6 x 6 pixels": 16,
    }


def test_many_sizes_make_few_notes(tmp_path: Path) -> None:
    for k in range(100):
        save(tmp_path / f"{k:02}.png", picture(13 + k, 13 + k))
    found = noted(tmp_path, size=12)
    assert len(found) == 6
    assert sum(count or 0 for count in found.values()) == 100
    assert found["resized from various other sizes"] == 95


def test_stretch_and_pad_are_noted(tmp_path: Path) -> None:
    save(tmp_path / "0.png", picture(24, 48))
    save(tmp_path / "1.png", picture(24, 24))
    sizes = {"resized from 24 x 48 pixels": 1, "resized from 24 x 24 pixels": 1}
    assert noted(tmp_path, size=12, fit="stretch") == {"stretched to another ratio of width and height": 1, **sizes}
    assert noted(tmp_path, size=12, fit="pad") == {"padded with white": 1, **sizes}


def test_folders_may_say_what_belongs_together(tmp_path: Path) -> None:
    found = ImageFolder(path=mixed(tmp_path, 9), size=12, group="folder").load(0)
    assert found.known.label is None
    assert found.group is not None
    assert found.group.tolist() == [0] * 3 + [1] * 6
    assert "2 groups of samples that belong together" in found.notes.counts()


# Both sides


def test_both_sides_are_read_alike(tmp_path: Path) -> None:
    """And the classes of generated images, whose numbers would be others where one is missing, are not used."""
    mixed(tmp_path / "real")
    for name in ("dog", "cat"):
        (tmp_path / "made").mkdir(exist_ok=True)
        (tmp_path / "made" / name).symlink_to(tmp_path / "real" / name)
    real = ImageFolder(path=tmp_path / "real", size=12, fit="pad").load(0).take(slice(None))
    made = as_population(Generated(path=tmp_path / "made", size=12, fit="pad"), real, "mine-0")
    np.testing.assert_array_equal(made.take(slice(None)).x, real.x)
    (tmp_path / "made" / "cat").unlink()
    fewer = as_population(Generated(path=tmp_path / "made", size=12, fit="pad"), real, "mine-0").take(slice(None))
    assert real.label is not None
    np.testing.assert_array_equal(fewer.x, real.x[real.label == 1])
    assert fewer.label is None


KEYS = {"size": 8, "fit": "pad", "filter": "box", "colours": "grey", "background": "black"}


def config(folder: Path, source: dict[str, Any], mine: dict[str, Any]) -> None:
    save(folder / "real" / "0.png", picture(12, 12))
    save(folder / "mine" / "0.png", picture(12, 12))
    np.save(folder / "mine.npy", np.zeros((4, 12, 12, 3), np.uint8))
    study = {
        "source": {"path": "real", **source},
        "generators": {"mine": {"path": "mine", **mine}, "gan": {"kind": "dcgan"}},
        "definitions": {"pixels": {"euclidean": {"alpha": 0.02}}},
    }
    check_files(load({"studies": {"s": study}}))


@pytest.mark.parametrize("key", KEYS)
def test_sides_that_differ_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.chdir(tmp_path)
    same = {"kind": "imagefolder", "size": 12}
    config(tmp_path, {**same, "size": [12, 12]}, same)
    config(tmp_path, {**same, key: KEYS[key]}, {**same, key: KEYS[key]})
    with pytest.raises(UserError, match=rf"s\.generators\.mine\.{key}: .*, but that of the source is ") as error:
        config(tmp_path, same, {**same, key: KEYS[key]})
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize("swap", [False, True])
def test_another_kind_of_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swap: bool) -> None:
    monkeypatch.chdir(tmp_path)
    kinds: list[dict[str, Any]] = [{"kind": "imagefolder", "size": 12}, {"kind": "files"}]
    with pytest.raises(UserError, match=r"generators\.mine: images of kind .* are read in another way than those"):
        config(tmp_path, kinds[swap], kinds[not swap])


def test_an_array_of_generated_images_is_prepared_already(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config(tmp_path, {"kind": "imagefolder", "size": 12}, {"kind": "files", "path": "mine.npy"})


@pytest.mark.parametrize("size", [0, -3, True, 12.5, "large", [12], [12, 0], [1, 2, 3], 10_001])
def test_a_size_is_one_or_two_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: Any) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"studies\.s\.source\.size: must be a number of pixels from 1") as error:
        config(tmp_path, {"kind": "imagefolder", "size": size}, {"kind": "imagefolder", "size": 12})
    assert len(str(error.value).splitlines()) == 2


def test_folders_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    np.save(tmp_path / "x.npy", np.zeros((3, 12, 12)))
    for name, message in {
        "empty": "empty: no images in it",
        "x.npy": r"x\.npy: a file, but kind imagefolder reads a folder of images; use kind files",
        "gone": "gone: no such file or folder",
    }.items():
        with pytest.raises(UserError, match=message):
            ImageFolder(path=tmp_path / name, size=12).load(0)


def test_damaged_images_are_named_together(tmp_path: Path) -> None:
    mixed(tmp_path)
    for k in (3, 6):
        path = tmp_path / "cat" / f"{k:03}.png"
        path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(UserError) as error:
        everything(ImageFolder(path=tmp_path, size=12))
    assert [Path(line.partition(":")[0]).name for line in str(error.value).splitlines()] == ["003.png", "006.png"]


def test_check_and_estimate_know_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every image is read by the check; decoding takes as long for each part as it has images."""
    monkeypatch.chdir(tmp_path)
    for k in range(16):
        save(tmp_path / "real" / f"{k}.png", picture(64, 64))
        save(tmp_path / "mine" / f"{k}.png", picture(32, 32))
    study = {
        "source": {"kind": "imagefolder", "path": "real", "size": 48},
        "generators": {"mine": {"kind": "imagefolder", "path": "mine", "size": 48}},
        "definitions": {"pixels": {"euclidean": {"alpha": 0.02}}},
    }
    found = check_inputs(load({"studies": {"s": study}}))
    assert found.problems == []
    assert "studies.s.generators.mine: upscaled from 32 x 32 pixels: 16 samples" in found.warnings
    form = "48 x 48 pixels (crop, bilinear, rgb)"
    assert f"studies.s.source: 16 images; all read as {form}; resized from 64 x 64 pixels: 16 samples" in found.read
    facts = [Prediction(load({"studies": {"s": study}, "parts": parts}), {}).facts["s"] for parts in (1, 4)]
    assert facts[0].samples == {"train": 8, "calibrate": 4, "holdout": 4, "mine-0": 16}
    assert facts[0].shape == (48, 48, 3)
    for population, folder in (("", "real"), ("mine-0", "mine")):
        size = sum(path.stat().st_size for path in (tmp_path / folder).iterdir())
        seconds = IMAGE * 16 + 1e-6 * DECODE * size
        assert [one.files[population].decoding for one in facts] == pytest.approx([seconds, seconds / 4])
