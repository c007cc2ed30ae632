"""Whatever a folder of images holds: samples come of it or a UserError, nothing else."""

from __future__ import annotations

import io
import random
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gancensus.contracts.errors import UserError
from gancensus.storage.imagefiles import FORMAT, files_of
from gancensus.storage.imageforms import Form
from gancensus.storage.user_arrays import read_user_samples

RNG = np.random.default_rng(0)
COLOUR = Image.fromarray(RNG.integers(0, 256, (9, 12, 3), dtype=np.uint8))
GREY = COLOUR.convert("L")
DEEP = Image.fromarray(RNG.integers(0, 1 << 16, (9, 12), dtype=np.uint16))


def clear() -> Image.Image:
    found = COLOUR.copy()
    found.putalpha(GREY)
    return found


def turned() -> Image.Exif:
    found = Image.Exif()
    found[0x0112], found[0x010E] = 6, "a picture"
    return found


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


quiet = pytest.mark.filterwarnings("error::UserWarning", "error::RuntimeWarning")  # Pillow's, which would be noise
MORE = {"save_all": True, "append_images": [COLOUR.rotate(180)]}
PALETTE = COLOUR.quantize(16)
WHOLE: list[tuple[str, bytes]] = [
    (suffix, encoded(image, FORMAT[f".{suffix}"], **options))
    for suffix, image, options in (
        ("png", COLOUR, {"exif": turned()}),
        ("png", clear(), {}),
        ("png", PALETTE, {"transparency": 3}),
        ("png", GREY.convert("1"), {"transparency": 0}),
        ("png", DEEP, {}),
        ("apng", COLOUR, MORE),
        ("jpg", COLOUR, {"exif": turned()}),
        ("jpg", COLOUR.convert("CMYK"), {"progressive": True}),
        ("tif", COLOUR, {"compression": "tiff_lzw", "exif": turned()}),
        ("tif", COLOUR, {"compression": "jpeg"}),
        ("tif", GREY, {"save_all": True, "append_images": [GREY] * 3}),
        ("tif", DEEP, {"big_tiff": True}),
        ("tiff", GREY.convert("F"), {"description": "ImageJ=1\nimages=1\n"}),
        ("gif", PALETTE, {"transparency": 2}),
        ("gif", GREY, MORE),
        ("bmp", COLOUR, {}),
        ("bmp", PALETTE, {}),
        ("dib", clear(), {}),
        ("webp", COLOUR, {"exif": turned()}),
        ("webp", clear(), {"lossless": True}),
        ("avif", COLOUR, {"exif": turned()}),
        ("ppm", COLOUR, {}),
        ("pbm", GREY.convert("1"), {}),
        ("pfm", GREY.convert("F"), {}),
        ("jp2", COLOUR, {}),
        ("qoi", COLOUR, {}),
        ("ico", clear().resize((16, 16)), {}),
        ("sgi", COLOUR, {}),
        ("tga", clear(), {"compression": "tga_rle"}),
        ("pcx", COLOUR, {}),
    )
]
WHOLE.append(("ppm", b"P3\n3 2\n255\n" + b"7 " * 18))


def damage(content: bytes, rng: random.Random) -> bytes:
    """Change, cut, insert or drop some bytes; heads of files have more to say than pixels."""
    found = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 5])):
        at = rng.randrange(min(max(1, len(found)), rng.choice([40, 120, 1 << 20])))
        some = bytes(rng.choice([0, 1, 127, 128, 255, rng.randrange(256)]) for _ in range(rng.randint(1, 4)))
        way = rng.randrange(6)
        if way < 3:
            found[at : at + 1] = some[:1]
        elif way == 3:
            found[at:at] = some
        elif way == 4:
            del found[at : at + len(some)]
        else:
            del found[at:]
    return bytes(found)


def survives(folder: Path) -> None:
    """Samples come of a folder, in one form or as they are."""
    comes(folder, None)
    comes(folder, Form(8, 7, "crop", "bilinear", "rgb", "white"))


def comes(folder: Path, form: Form | None) -> None:
    """As many as it says and all of them numbers, or lines that name a file in it."""
    try:
        found = read_user_samples(folder, form=form)
        x = found.read(np.arange(len(found)))
    except UserError as error:
        lines = str(error).splitlines()
        assert all(line.startswith((str(folder), "... ")) for line in lines)
        assert 1 <= len(lines) <= 11
        return
    assert x.shape == (len(found), *found.shape)
    assert len(found) >= len(files_of(folder)) > 0
    assert next(iter(found.notes.counts())).startswith(f"{len(found)} image")
    assert all((count or 0) <= len(found) for count in found.notes.counts().values())


@quiet
@settings.get_profile("fuzz")
@given(st.sampled_from(WHOLE), st.randoms(use_true_random=False), st.booleans())
def test_a_damaged_image_is_an_error_or_still_an_image(
    whole: tuple[str, bytes], rng: random.Random, alone: bool
) -> None:
    suffix, content = whole
    with tempfile.TemporaryDirectory() as name:
        if not alone:
            (Path(name) / f"0.{suffix}").write_bytes(content)
        (Path(name) / f"1.{suffix}").write_bytes(damage(content, rng))
        survives(Path(name))


@quiet
@settings.get_profile("fuzz")
@given(st.lists(st.tuples(st.sampled_from(WHOLE), st.sampled_from(sorted(FORMAT))), min_size=1, max_size=4))
def test_a_suffix_may_say_anything(named: list[tuple[tuple[str, bytes], str]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        for k, ((_, content), suffix) in enumerate(named):
            (Path(name) / f"{k}{suffix}").write_bytes(content)
        survives(Path(name))


PARTS = st.sampled_from(
    ["a", "b", "é ü", "x.png", ".hidden", "._x.png", "__MACOSX", "census.parquet", "0.png", "n.txt"]
)
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
TARGETS = st.one_of(PATHS, st.sampled_from([".", "..", "../..", "/nowhere", "../store", "../store/0.png"]))


@quiet
@settings.get_profile("fuzz")
@given(st.lists(st.tuples(PATHS, st.one_of(st.none(), st.none(), TARGETS)), max_size=12))
def test_folders_may_hold_anything(entries: list[tuple[str, str | None]]) -> None:
    """Files and links of any name at any place; nothing is read twice by its own name."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "real"
        for place in (folder, Path(name) / "store"):
            place.mkdir()
            (place / "0.png").write_bytes(WHOLE[0][1])
        (Path(name) / "store" / "back").symlink_to("../real")
        for path, target in entries:
            try:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                if target is None:
                    (folder / path).write_bytes(WHOLE[0][1])
                else:
                    (folder / path).symlink_to(target)
            except OSError:
                continue  # something else is there
        found = files_of(folder)
        plain = [path for path in found if not path.is_symlink()]
        assert len({path.resolve() for path in plain}) == len(plain)
        assert not any(part.startswith(".") for path in found for part in path.relative_to(folder).parts)
        survives(folder)
