"""Folders of images: which files are samples, and what a viewer would show of them."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from gancensus.audit.user_samples import as_population, population_of
from gancensus.config.configuration import check_files, load
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import LazySamples
from gancensus.domains.general import generator_files as generated
from gancensus.domains.general.source_files import Files
from gancensus.storage import imagefiles
from gancensus.storage.imagefiles import LOOKED_AT, files_of
from gancensus.storage.user_arrays import read_user_samples

pytestmark = pytest.mark.filterwarnings("error::UserWarning", "error::RuntimeWarning")  # Pillow's, which would be noise
Pixels = NDArray[np.uint8]
GREY: Pixels = np.random.default_rng(0).integers(0, 256, (20, 4, 6), dtype=np.uint8)
COLOUR: Pixels = np.random.default_rng(1).integers(0, 256, (20, 4, 6, 3), dtype=np.uint8)
TURNED = "turned as their EXIF orientation says"
ON_WHITE = "transparent pixels composited on white (`background: black` chooses black)"


def image(path: Path, pixels: NDArray[Any] | Image.Image, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(path, **options)
    return path


def link(path: Path, target: Path | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def everything(found: LazySamples) -> NDArray[Any]:
    return found.read(np.arange(len(found)))


def check(folder: Path, pixels: NDArray[Any], *notes: str) -> LazySamples:
    """Samples are these, and no more is noted than this."""
    found = read_user_samples(folder)
    np.testing.assert_array_equal(everything(found), pixels)
    assert found.dtype == pixels.dtype
    assert list(found.notes.counts()) == [f"{len(pixels)} image{'s' * (len(pixels) > 1)}", *notes]
    return found


def noted(found: LazySamples) -> dict[str, int | None]:
    """What is noted beside the number of images."""
    everything(found)
    return dict(list(found.notes.counts().items())[1:])


def refused(folder: Path) -> str:
    with pytest.raises(UserError) as error:
        everything(read_user_samples(folder))
    return str(error.value)


# Which files


@pytest.mark.parametrize(
    ("name", "note"),
    [
        (".ipynb_checkpoints/0-checkpoint.png", "1 hidden folder (.ipynb_checkpoints)"),
        (".git/objects/a.png", "1 hidden folder (.git)"),
        ("__MACOSX/0.png", "1 hidden folder (__MACOSX)"),
        ("@eaDir/0.png/SYNOPHOTO_THUMB_M.jpg", "1 hidden folder (@eaDir)"),
        ("._0.png", "1 hidden file (._0.png)"),
        (".DS_Store", "1 hidden file (.DS_Store)"),
        ("Thumbs.db", "1 hidden file (Thumbs.db)"),
        ("results/figures/gallery.png", "1 folder of results (results)"),
    ],
)
def test_what_is_hidden_is_left_out_and_said(tmp_path: Path, name: str, note: str) -> None:
    for k in range(2):
        image(tmp_path / f"{k}.png", GREY[k])
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes((tmp_path / "0.png").read_bytes())
    if name.startswith("results"):
        (tmp_path / "results" / ".head").touch()
    found = check(tmp_path, GREY[:2], f"left out: {note}")
    assert found.known.label is None
    assert files_of(tmp_path) == [tmp_path / "0.png", tmp_path / "1.png"]


def test_the_given_folder_itself_may_be_hidden_or_a_link(tmp_path: Path) -> None:
    image(tmp_path / ".data" / "real" / "0.png", GREY[0])
    link(tmp_path / "real", ".data/real")
    check(tmp_path / ".data", GREY[:1])
    check(tmp_path / "real", GREY[:1])


def test_what_is_no_image_is_counted_by_its_suffix(tmp_path: Path) -> None:
    image(tmp_path / "0.png", GREY[0])
    for name in ("a.heic", "b.HEIC", "notes.txt", "LICENSE"):
        (tmp_path / name).write_text("no image")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "1.png"))
        check(tmp_path, GREY[:1], "left out: 1 special file (1.png)", "left out: 2 .heic, 1 .txt, 1 without a suffix")


def test_a_folder_without_images_says_what_is_there(tmp_path: Path) -> None:
    for k in range(3):
        (tmp_path / f"{k}.heic").touch()
    image(tmp_path / ".trash" / "0.png", GREY[0])
    message = refused(tmp_path)
    assert message.startswith(f"{tmp_path}: no images in it (.apng, .avif, ")
    assert message.endswith("; left out: 1 hidden folder (.trash); left out: 3 .heic")


def test_classes_may_be_links(tmp_path: Path) -> None:
    image(tmp_path / "store" / "cats" / "0.png", GREY[0])
    image(tmp_path / "store" / "cats" / "young" / "1.png", GREY[1])
    image(tmp_path / "real" / "dogs" / "0.png", GREY[2])
    link(tmp_path / "real" / "cats", "../store/cats")
    found = read_user_samples(tmp_path / "real")
    np.testing.assert_array_equal(everything(found), GREY[:3])
    assert found.known.label is not None
    assert found.known.label.tolist() == [0, 1, 2]
    assert found.notes.counts() == {"3 images; classes: cats (1), cats/young (1), dogs (1)": None}
    assert [str(path.relative_to(tmp_path)) for path in files_of(tmp_path / "real")] == [
        "real/cats/0.png",
        "real/cats/young/1.png",
        "real/dogs/0.png",
    ]


@pytest.mark.parametrize(
    ("target", "note"),
    [
        ("b", "1 link to a folder that is read anyway (a)"),
        (".", "1 link to a folder that is read anyway (a)"),
        ("..", "1 link to a folder that is read anyway (a)"),
        ("/", "1 link to a folder that is read anyway (a)"),
    ],
)
def test_a_link_gives_no_image_twice_and_ends(tmp_path: Path, target: str, note: str) -> None:
    """The link comes before the folder that it leads to, which is read all the same by its own name."""
    image(tmp_path / "real" / "b" / "0.png", GREY[0])
    image(tmp_path / "gen" / "0.png", GREY[1])
    link(tmp_path / "real" / "a", target)
    check(tmp_path / "real", GREY[:1], f"left out: {note}")


@pytest.mark.parametrize("target", ["nowhere", "a", "b/0.png/x", "a" * 300])
def test_a_broken_link_is_warned_of(tmp_path: Path, target: str) -> None:
    image(tmp_path / "real" / "b" / "0.png", GREY[0])
    link(tmp_path / "real" / "a", target)
    check(tmp_path / "real", GREY[:1], "warning: left out: 1 broken link (a)")


def test_links_within_a_linked_folder_end_too(tmp_path: Path) -> None:
    image(tmp_path / "store" / "cats" / "0.png", GREY[0])
    link(tmp_path / "store" / "cats" / "again", ".")
    image(tmp_path / "real" / "dogs" / "0.png", GREY[1])
    link(tmp_path / "store" / "cats" / "dogs", "../../real/dogs")
    for name in ("cats", "felines"):
        link(tmp_path / "real" / name, "../store/cats")
    found = read_user_samples(tmp_path / "real")
    np.testing.assert_array_equal(everything(found), GREY[:2])
    assert noted(found) == {"left out: 3 links to folders that are read anyway (cats/again, cats/dogs, felines)": None}


def test_linked_images(tmp_path: Path) -> None:
    """A link to an image beside it is no sample; two to one file of a store are, as stores keep equal files once."""
    image(tmp_path / "real" / "1.png", GREY[1])
    (tmp_path / "store").mkdir()
    image(tmp_path / "0.png", GREY[0]).rename(tmp_path / "store" / "ab12")
    image(tmp_path / "real" / ".annex" / "2.png", GREY[2])
    link(tmp_path / "real" / "latest.png", "1.png")
    for name in ("0.png", "4.png"):
        link(tmp_path / "real" / name, "../store/ab12")
    link(tmp_path / "real" / "2.png", ".annex/2.png")
    check(
        tmp_path / "real",
        GREY[[0, 1, 2, 0]],
        "left out: 1 hidden folder (.annex)",
        "left out: 1 link to an image that is read anyway (latest.png)",
        "2 links lead to a file that another link leads to as well; each is a sample",
    )


def test_the_order_is_that_of_the_parts_of_the_path(tmp_path: Path) -> None:
    """As a comparison of paths has it: `a/z` before `a-b`, though `-` sorts before `/`."""
    names = ["a/z.png", "a-b/0.png", "b.png", "b/0.png", "c.png/0.png", "ä.png"]
    for name, pixels in zip(names, GREY, strict=False):
        image(tmp_path / name, pixels)
    assert files_of(tmp_path) == sorted(tmp_path / name for name in names)
    found = read_user_samples(tmp_path)
    order = [sorted(names, key=Path).index(name) for name in names]
    np.testing.assert_array_equal(everything(found)[order], GREY[:6])


# Which formats


LOSSLESS = ["png", "PNG", "apng", "bmp", "dib", "tif", "TIFF", "ppm", "pnm", "jp2", "j2k", "qoi", "sgi", "tga", "pcx"]


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_formats_without_loss(tmp_path: Path, suffix: str) -> None:
    image(tmp_path / f"0.{suffix}", COLOUR[0])
    check(tmp_path, COLOUR[:1])


def test_webp_and_avif(tmp_path: Path) -> None:
    image(tmp_path / "0.webp", COLOUR[0], lossless=True)
    check(tmp_path, COLOUR[:1])
    image(tmp_path / "1.avif", np.full((4, 6, 3), 77, dtype=np.uint8), quality=100)
    assert np.abs(everything(read_user_samples(tmp_path))[1].astype(int) - 77).max() <= 2


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm", "gif", "jp2", "bmp"])
def test_grey_stays_grey(tmp_path: Path, suffix: str) -> None:
    image(tmp_path / f"0.{suffix}", GREY[0])
    check(tmp_path, GREY[:1])


def test_the_content_counts_not_the_suffix(tmp_path: Path) -> None:
    image(tmp_path / "0.bmp", COLOUR[0]).rename(tmp_path / "0.png")
    check(tmp_path, COLOUR[:1])


def test_nothing_that_starts_another_program_is_opened(tmp_path: Path) -> None:
    image(tmp_path / "0.eps", COLOUR[0]).rename(tmp_path / "0.png")
    assert "0.png: not a readable image (of no known format); remove or repair it" in refused(tmp_path)


@pytest.mark.parametrize("order", ["<", ">"])
def test_sixteen_bits_of_either_order(tmp_path: Path, order: str) -> None:
    deep = GREY[:2].astype(np.uint16) * 257
    image(tmp_path / "0.png", deep[0])
    mode = "I;16" if order == "<" else "I;16B"
    image(tmp_path / "1.tif", Image.frombytes(mode, (6, 4), deep[1].astype(f"{order}u2").tobytes()))
    check(tmp_path, deep)


def test_floats(tmp_path: Path) -> None:
    pixels = np.linspace(-3, 5, 24, dtype=np.float32).reshape(1, 4, 6)
    image(tmp_path / "0.tiff", pixels[0])
    check(tmp_path, pixels)
    image(tmp_path / "0.tiff", GREY[0]).unlink()
    image(tmp_path / "0.pfm", pixels[0])
    check(tmp_path, pixels)


def test_sixteen_bits_a_colour_are_read_as_eight_and_said(tmp_path: Path) -> None:
    """A PNG file, made by hand as Pillow cannot write it."""
    rows = b"".join(b"\0" + (row.astype(">u2") * 257).tobytes() for row in COLOUR[0])

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 6, 4, 16, 2, 0, 0, 0))
    content = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (tmp_path / "0.png").write_bytes(content)
    check(tmp_path, COLOUR[:1], "16 bits a colour read as 8")


# Several pictures in a file


def stack(path: Path, pixels: Any, **options: Any) -> Path:
    first, *rest = [Image.fromarray(one) for one in pixels]
    return image(path, first, save_all=True, append_images=rest, **options)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_pages_of_tiff_files_are_samples(tmp_path: Path, compression: str | None, big: bool) -> None:
    stack(tmp_path / "a" / "0.tif", GREY[:3], compression=compression, big_tiff=big)
    image(tmp_path / "a" / "1.tif", GREY[3], compression=compression, big_tiff=big)
    stack(tmp_path / "b" / "0.TIFF", GREY[4:10], compression=compression, big_tiff=big)
    found = read_user_samples(tmp_path)
    for rows in (np.arange(10), np.array([9, 0, 2, 2, 5, 3])):
        np.testing.assert_array_equal(found.read(rows), GREY[rows])
    assert found.known.label is not None
    assert found.known.label.tolist() == [0] * 4 + [1] * 6
    assert list(found.notes.counts()) == ["10 images, which are pages of 3 files; classes: a (4), b (6)"]


def test_pages_of_two_sizes(tmp_path: Path) -> None:
    stack(tmp_path / "0.tif", [GREY[0], GREY[1], GREY[2, :3]])
    assert refused(tmp_path).startswith(f"{tmp_path}/0.tif, page 3: is 6 x 3 pixels, but {tmp_path}/0.tif is 6 x 4 ")


def test_smaller_copies_in_a_tiff_file_are_no_samples(tmp_path: Path) -> None:
    """NewSubfileType, the tag 254, says so."""
    first, small = Image.fromarray(GREY[0]), Image.fromarray(GREY[0, ::2, ::2])
    small.encoderinfo = {"tiffinfo": {254: 1}}
    image(tmp_path / "0.tif", first, save_all=True, append_images=[small])
    with Image.open(tmp_path / "0.tif") as file:
        assert file.n_frames == 2  # type: ignore[attr-defined]
    check(tmp_path, GREY[:1])


def test_pages_that_are_cut_off(tmp_path: Path) -> None:
    path = stack(tmp_path / "0.tif", GREY[:6])
    path.write_bytes(path.read_bytes()[:-100])
    assert f"{path}: not a readable image" in refused(tmp_path)


def test_images_that_imagej_hides_from_tiff_readers(tmp_path: Path) -> None:
    """Stacks above 4 GB have a single page; all other pixels follow it."""
    image(tmp_path / "0.tif", GREY[0], description="ImageJ=1.53t\nimages=7\nslices=7\n")
    assert "0.tif: ImageJ has written 7 images, but not as pages; save them as pages, or as .npy" in refused(tmp_path)
    image(tmp_path / "0.tif", GREY[0], description="ImageJ=1.53t\nimages=1\n")
    check(tmp_path, GREY[:1])


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "avif"])
def test_animations_are_refused(tmp_path: Path, suffix: str) -> None:
    image(tmp_path / f"0.{suffix}", Image.fromarray(COLOUR[0]))
    stack(tmp_path / f"1.{suffix}", COLOUR[:3])
    assert refused(tmp_path) == (
        f"{tmp_path}/1.{suffix}: holds several pictures, perhaps an animation; use single images, or an array (.npy) "
        "of samples (frames, height, width)"
    )


def test_a_stack_under_another_name_is_no_single_image(tmp_path: Path) -> None:
    stack(tmp_path / "0.tif", GREY[:3]).rename(tmp_path / "0.png")
    assert "0.png: holds several pictures" in refused(tmp_path)


def test_the_previews_of_cameras_are_no_samples(tmp_path: Path) -> None:
    stack(tmp_path / "0.mpo", [np.full((8, 8, 3), k, dtype=np.uint8) for k in (100, 50)]).rename(tmp_path / "0.jpg")
    check(tmp_path, np.full((1, 8, 8, 3), 100, dtype=np.uint8), "the first of several pictures in the file")


# Transparent pixels


def transparent(kind: str) -> tuple[Image.Image, dict[str, Any]]:
    """An image of the value 200, whose left half is transparent and hides 13."""
    plain = np.full((4, 6), 200, dtype=np.uint8)
    plain[:, :3] = 13
    alpha = np.where(np.arange(6) < 3, 0, 255).astype(np.uint8) * np.ones((4, 1), np.uint8)
    grey = Image.fromarray(plain)
    if kind in ("RGBA", "LA"):
        found = grey.convert("RGB" if kind == "RGBA" else "L")
        found.putalpha(Image.fromarray(alpha))
        return found, {}
    if kind == "P":
        return grey.convert("RGB").quantize(4), {}
    if kind == "I;16":
        return Image.fromarray(plain.astype(np.uint16)), {"transparency": 13}
    return grey.convert(kind), {"transparency": {"L": 13, "RGB": (13, 13, 13)}[kind]}


@pytest.mark.parametrize("kind", ["RGBA", "LA", "P", "L", "RGB", "I;16"])
@pytest.mark.parametrize("background", ["white", "black"])
def test_hidden_colours_are_not_seen(tmp_path: Path, kind: str, background: Any) -> None:
    found, options = transparent(kind)
    if kind == "P":
        options = {"transparency": found.getpixel((0, 0))}
    image(tmp_path / "0.png", found, **options)
    image(tmp_path / "1.png", found.convert("RGB" if kind in ("RGBA", "P") else kind.replace("LA", "L")))
    read = read_user_samples(tmp_path, background)
    shown, plain = everything(read)
    white = 65535 if kind == "I;16" else 255
    assert (shown[:, :3] == (white if background == "white" else 0)).all()
    assert (shown[:, 3:] == 200).all()
    assert (plain[:, :3] == 13).all()
    assert shown.ndim == (3 if kind in ("RGBA", "P", "RGB") else 2)
    note = ON_WHITE if background == "white" else "transparent pixels composited on black"
    assert noted(read) == {note: 1}


def test_half_transparent_pixels_are_mixed(tmp_path: Path) -> None:
    alpha = np.arange(256, dtype=np.uint8).reshape(16, 16)
    value = np.random.default_rng(2).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    image(tmp_path / "0.png", np.dstack([value, alpha]))
    share = alpha[..., None] / 255
    mixed = value * share + 255 * (1 - share)
    assert np.abs(everything(read_user_samples(tmp_path))[0] - mixed).max() <= 1


@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
def test_opaque_images_are_read_as_without_alpha(tmp_path: Path, suffix: str) -> None:
    opaque = np.dstack([COLOUR[0], np.full((4, 6), 255, np.uint8)])
    image(tmp_path / f"0.{suffix}", opaque, **({"lossless": True} if suffix == "webp" else {}))
    check(tmp_path, COLOUR[:1])


def test_a_targa_file_whose_fourth_byte_is_unused_is_visible(tmp_path: Path) -> None:
    image(tmp_path / "0.tga", np.dstack([COLOUR[0], np.zeros((4, 6), np.uint8)]))
    check(tmp_path, COLOUR[:1])


def test_transparent_gif(tmp_path: Path) -> None:
    found = Image.fromarray(np.where(GREY[0] > 100, 9, 0).astype(np.uint8))
    image(tmp_path / "0.gif", found, transparency=0)
    check(tmp_path, np.where(GREY[:1] > 100, 9, 255).astype(np.uint8), ON_WHITE)


def test_real_and_generated_images_need_one_background(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("real", "mine"):
        image(tmp_path / name / "0.png", GREY[0])

    def config(**mine: str) -> None:
        study = {
            "source": {"kind": "files", "path": "real", "background": "black"},
            "generators": {"mine": {"kind": "files", "path": "mine", **mine}},
            "definitions": {"pixels": {"euclidean": {"alpha": 0.02}}},
        }
        check_files(load({"studies": {"s": study}}))

    config(background="black")
    with pytest.raises(UserError, match=r"generators\.mine\.background: white, but that of the source is black"):
        config()


@pytest.mark.parametrize(
    ("real", "mine", "side"),
    [
        ("real", "real/gen", "real"),
        ("real", "real/a/gen", "real"),
        ("real", "linked/gen", "real"),
        ("mine/real", "mine", "generated"),
        ("linked", "real/../real/gen/", "real"),
        ("real", "real", None),  # compared with itself
        ("real", "linked", None),
        ("real", "real2", None),
        ("real", "real/.gen", None),  # not read with the others
        ("real", "real/gen.npy", None),
    ],
)
def test_one_folder_for_real_and_generated_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, real: str, mine: str, side: str | None
) -> None:
    """A folder within the other's is read with it: every generated sample would be a copy of a real one."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "real/0.png",
        "real/gen/0.png",
        "real/a/gen/0.png",
        "real/.gen/0.png",
        "mine/real/0.png",
        "real2/0.png",
    ):
        image(tmp_path / name, GREY[0])
    np.save(tmp_path / "real" / "gen.npy", GREY)
    link(tmp_path / "linked", "real")
    study = {
        "source": {"kind": "files", "path": real},
        "generators": {"mine": {"kind": "files", "path": mine}},
        "definitions": {"pixels": {"euclidean": {"alpha": 0.02}}},
    }
    config = load({"studies": {"s": study}})
    if side is None:
        check_files(config)
        return
    where = (
        rf"studies\.s\.generators\.mine\.path: {Path(mine)}, but source\.path: {real}; "
        rf".* would be read as {side}, too: move it out"
    )
    with pytest.raises(UserError, match=where) as error:
        check_files(config)
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize("seen", [True, False])
def test_a_generator_without_transparent_pixels_may_have_another_background(tmp_path: Path, seen: bool) -> None:
    """Sprites are often learned as their hidden colours have them, on black."""
    for k in range(4):
        sprite = np.dstack([COLOUR[k], np.where(COLOUR[k, ..., 0] > 99, 255, 0).astype(np.uint8)])
        image(tmp_path / "real" / f"{k}.png", sprite)
        image(tmp_path / "mine" / f"{k}.png", sprite if seen else COLOUR[k])
    like = Files(path=tmp_path / "real").load(0).take(slice(None))
    mine = generated.Files(path=tmp_path / "mine")
    found = population_of(mine, like, "mine-0")
    assert any(note.startswith("warning: the real images are composited") for note in found.notes.counts()) != seen


# Orientation


UPRIGHT: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {  # EXIF 2.32, tag 274: where row 0 and column 0 are
    1: lambda x: x,  # top, left
    2: lambda x: x[:, ::-1],  # top, right
    3: lambda x: x[::-1, ::-1],  # bottom, right
    4: lambda x: x[::-1],  # bottom, left
    5: lambda x: x.swapaxes(0, 1),  # left, top
    6: lambda x: x.swapaxes(0, 1)[:, ::-1],  # right, top
    7: lambda x: x[::-1, ::-1].swapaxes(0, 1),  # right, bottom
    8: lambda x: x.swapaxes(0, 1)[::-1],  # left, bottom
}


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[0x0112] = orientation
    return found


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
def test_images_are_turned_as_their_exif_says(tmp_path: Path, orientation: int, suffix: str) -> None:
    image(tmp_path / f"0.{suffix}", COLOUR[0], exif=exif(orientation), lossless=True)
    upright = UPRIGHT[orientation](COLOUR[0])[None]
    found = check(tmp_path, upright, *([TURNED] if orientation > 1 else []))
    assert noted(found) == ({TURNED: 1} if orientation > 1 else {})


def test_a_photograph_is_turned_and_its_size_is_that_after_turning(tmp_path: Path) -> None:
    picture = np.kron(np.array([[30, 200], [90, 150], [240, 60]], dtype=np.uint8), np.ones((8, 8), dtype=np.uint8))
    image(tmp_path / "0.jpg", picture, quality=100)
    image(tmp_path / "1.jpg", np.ascontiguousarray(picture.T[::-1]), quality=100, exif=exif(6))
    image(tmp_path / "2.png", picture.astype(np.uint8))
    found = read_user_samples(tmp_path)
    assert np.abs(everything(found).astype(int) - picture).max() <= 3
    assert noted(found) == {TURNED: 1}


def test_deep_and_transparent_images_are_turned_too(tmp_path: Path) -> None:
    image(tmp_path / "a" / "0.png", GREY[0].astype(np.uint16) * 257, exif=exif(8))
    check(tmp_path / "a", UPRIGHT[8](GREY[0].astype(np.uint16) * 257)[None], TURNED)
    clear = np.dstack([COLOUR[0], np.zeros((4, 6), np.uint8)])
    image(tmp_path / "b" / "0.png", clear, exif=exif(8))
    check(tmp_path / "b", np.full((1, 6, 4, 3), 255, np.uint8), TURNED, ON_WHITE)


def test_an_image_with_damaged_exif_is_read_as_stored(tmp_path: Path) -> None:
    image(tmp_path / "0.png", COLOUR[0], exif=b"Exif\0\0no TIFF header at all")
    check(tmp_path, COLOUR[:1], "unreadable EXIF: not turned")


# Grey images and others


@pytest.mark.parametrize("grey", [{0}, {1}, {0, 2, 3}])
def test_grey_images_beside_others_are_read_as_colours(tmp_path: Path, grey: set[int]) -> None:
    for k in range(4):
        image(tmp_path / f"{k}.png", GREY[k] if k in grey else COLOUR[k])
    found = read_user_samples(tmp_path)
    for k, pixels in enumerate(everything(found)):
        np.testing.assert_array_equal(pixels, GREY[k][..., None].repeat(3, axis=2) if k in grey else COLOUR[k])
    assert noted(found) == {"grey images beside others: read as colours": len(grey)}


@pytest.mark.parametrize("real", ["grey", "one channel", "three channels"])
@pytest.mark.parametrize("made", ["grey", "one channel", "three channels"])
def test_grey_generated_images_may_have_other_channels(tmp_path: Path, real: str, made: str) -> None:
    """Many programs, such as torchvision's `save_image`, write grey images with three equal channels."""
    stored = {"grey": GREY, "one channel": GREY[..., None], "three channels": GREY[..., None].repeat(3, axis=3)}
    np.save(tmp_path / "real.npy", stored[real])
    np.save(tmp_path / "made.npy", stored[made])
    like = Files(path=tmp_path / "real.npy").load(0).take(slice(None))
    found = as_population(generated.Files(path=tmp_path / "made.npy"), like, "mine-0")
    assert found.shape == like.shape
    np.testing.assert_array_equal(found.take(slice(3, 20)).x, like.x[3:])
    assert (real == made) == (not any(note.startswith("grey: ") for note in found.notes.counts()))


def test_coloured_images_beside_grey_real_ones_are_refused_by_number(tmp_path: Path) -> None:
    for k in range(4):
        image(tmp_path / "real" / f"{k}.png", GREY[k])
        image(tmp_path / "mine" / f"{k}.png", COLOUR[k] if k == 2 else GREY[k, ..., None].repeat(3, axis=2))
    like = Files(path=tmp_path / "real").load(0).take(slice(None))
    found = as_population(generated.Files(path=tmp_path / "mine"), like, "mine-0")
    with pytest.raises(UserError, match=r"sample 2 has colours, but the real samples are grey, of shape \(4, 6\)"):
        found.take(slice(None))


def test_a_rare_coloured_image_is_named(tmp_path: Path) -> None:
    for k in range(4 * LOOKED_AT):
        image(tmp_path / f"{k:03}.png", COLOUR[0] if k == 2 else GREY[0])
    assert refused(tmp_path) == (
        f"{tmp_path}/002.png: is 6 x 4 pixels (colours, uint8), but {tmp_path}/000.png is 6 x 4 pixels (grey, uint8); "
        "convert the images to one size, depth and number of channels, or use kind imagefolder (of 128 read, 6 x 4 "
        "pixels (grey, uint8): 127, 6 x 4 pixels (colours, uint8): 1)"
    )


# What cannot be used


def test_all_damaged_images_are_named_at_once(tmp_path: Path) -> None:
    for k in range(20):
        image(tmp_path / f"{k:02}.png", GREY[k])
    (tmp_path / "03.png").write_bytes(b"")
    (tmp_path / "05.png").write_bytes(b"<html>not found</html>")
    whole = (tmp_path / "07.png").read_bytes()
    (tmp_path / "07.png").write_bytes(whole[:50])
    lines = refused(tmp_path).splitlines()
    assert [line.partition(":")[0] for line in lines] == [f"{tmp_path}/{k}.png" for k in ("03", "05", "07")]
    assert lines[0] == f"{tmp_path}/03.png: not a readable image (an empty file); remove or repair it"
    assert "(of no known format)" in lines[1]
    for k in range(1, 20):
        (tmp_path / f"{k:02}.png").write_bytes(b"")
    lines = refused(tmp_path).splitlines()
    assert (len(lines), lines[-1]) == (11, "... 9 more")


def test_a_huge_image_is_not_decoded(tmp_path: Path) -> None:
    image(tmp_path / "0.png", GREY[0])
    path = image(tmp_path / "1.bmp", GREY[1])
    content = bytearray(path.read_bytes())
    content[18:26] = struct.pack("<ii", 50_000, 50_000)
    path.write_bytes(content)
    assert "1.bmp: not a readable image (Image size (2500000000 pixels) exceeds limit" in refused(tmp_path)
    content[18:26] = struct.pack("<ii", 9_000, 9_000)
    path.write_bytes(content)
    assert "1.bmp: is 9000 x 9000 pixels, but" in refused(tmp_path)


def test_a_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image(tmp_path / "a" / "0.png", GREY[0])
    scan = os.scandir

    def denied(path: str) -> Any:
        if path.endswith("/a"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", denied)
    assert refused(tmp_path) == f"{tmp_path}/a: cannot be read (Permission denied)"


def test_an_image_that_goes_while_it_is_wanted(tmp_path: Path) -> None:
    for k in range(2):
        image(tmp_path / f"{k}.png", GREY[k])
    found = read_user_samples(tmp_path)
    (tmp_path / "1.png").unlink()
    with pytest.raises(UserError, match=r"1\.png: not a readable image \(No such file or directory\)"):
        everything(found)
    shutil.rmtree(tmp_path)


@pytest.mark.parametrize("bug", [ValueError, TypeError, IndexError, RuntimeError, OSError])
@pytest.mark.parametrize("where", ["_turn_to", "_pixels", "_upright", "_flat", "_is_deep", "_is_grey"])
def test_a_bug_is_not_taken_for_a_damaged_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, bug: type[Exception]
) -> None:
    def planted(*given: Any) -> None:
        raise bug("planted")

    for k in range(3):
        image(tmp_path / f"{k}.png", GREY[k])
    monkeypatch.setattr(imagefiles, where, planted)
    with pytest.raises(bug, match="planted"):
        read_user_samples(tmp_path)
