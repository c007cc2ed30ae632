"""Folders of images: which files they consist of, and what is read from these."""

from __future__ import annotations

import os
import re
import stat
import struct
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import LOOSE, Notes
from gancensus.storage.imageforms import Background, Form, Former

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

SUFFIXES = {  # Pillow's formats of pictures, none of which starts another program, and the suffixes of their files
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "BMP": (".bmp",),
    "DIB": (".dib",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "AVIF": (".avif",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    "JPEG2000": (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
    "QOI": (".qoi",),
    "ICO": (".ico",),
    "SGI": (".sgi",),
    "TGA": (".tga",),
    "PCX": (".pcx",),
}
FORMAT = {suffix: name for name, suffixes in SUFFIXES.items() for suffix in suffixes}
SIGNED = [name for name in SUFFIXES if name not in ("TGA", "PCX")]  # any other file may look like one of these two
STACKS = SUFFIXES["TIFF"]  # whose pages are samples

LITTER = {"__macosx", "@eadir", "$recycle.bin", "thumbs.db", "desktop.ini"}  # hidden only on their own system
RESULTS = {".head", "census.parquet"}  # of gancensus: either is in its results' folder from the start of a run on
LEFT_OUT = {  # what is left out: one of it, and several
    "hidden folder": "hidden folders",
    "hidden file": "hidden files",
    "special file": "special files",
    "folder of results": "folders of results",
    "broken link": "broken links",
    "link to a folder that is read anyway": "links to folders that are read anyway",
    "link to an image that is read anyway": "links to images that are read anyway",
}

GREY = {"1", "L", "LA", "La"}  # Pillow's modes of grey images
PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}
TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # EXIF's orientations and the Image.Transpose that undoes them
ORIENTATION = 0x0112  # in EXIF
KIND_OF_PAGE, DESCRIPTION = 254, 270  # in TIFF
NO_SAMPLE = 0b101  # kinds of pages: smaller copies, and masks, of other pages

DAMAGED = (OSError, SyntaxError, ValueError, TypeError, IndexError, RuntimeError, MemoryError, struct.error)
"""What Pillow's readers raise over a damaged file, in addition to its own DecompressionBombError.

RuntimeError comes from AVIF; MemoryError, as memory is allocated for the sizes that the file claims.
"""

COMPOSITED = {
    "white": "transparent pixels composited on white (`background: black` chooses black)",
    "black": "transparent pixels composited on black",
}
LOOKED_AT = 32  # images that are checked for colours when the first is grey, or for their sizes
MOST = 10  # damaged files that are named


def files_of(path: Path) -> list[Path]:
    """Return the files that an input consists of: itself, or the images in a folder, in the order of the samples.

    Raises UserError where a folder cannot be read.
    """
    if path.is_dir():
        return [path / name for name in _Walk(path).images]
    return [path] if path.is_file() else []


def is_part(inner: Path, folder: Path) -> bool:
    """Return whether the images of one folder are read with those of another, in which it lies."""
    inner, folder = inner.resolve(), folder.resolve()
    if inner == folder or not (inner.is_dir() and inner.is_relative_to(folder)):
        return False
    return not any(_is_hidden(part) for part in inner.relative_to(folder).parts)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in LITTER


class _Walk:
    """A walk through a folder and its subfolders, also where links lead.

    `images` are their names within the folder, in the order of their parts; `notes` says what is left out. Every folder
    is walked once: first those that are there themselves, then those that links lead to. A link to an image that is
    read anyway is left out. Links to one file elsewhere are a sample each: stores that keep equal files only once link
    to them like that.
    """

    def __init__(self, folder: Path) -> None:
        """Walk. Raises UserError where a folder cannot be read."""
        self._folder, self._root = folder, os.path.realpath(folder)
        self._walked: set[str] = set()
        self._folders = [("", self._root)]  # to be walked: the name within the folder, and the real place
        self._links: list[str] = []  # to be followed
        self._files: dict[str, str] = {}  # where the images are
        self._linked: dict[str, str] = {}  # where the images are that are links
        self._left_out: dict[str, list[str]] = {}
        self._suffixes: Counter[str] = Counter()  # of files that are not images
        while self._folders or self._links:
            if self._folders:
                self._scan(*self._folders.pop())
            else:
                self._links.sort()
                self._follow(self._links.pop(0))
        known = set(self._files.values())
        self._leave_out("link to an image that is read anyway", *(k for k, at in self._linked.items() if at in known))
        self._linked = {name: at for name, at in self._linked.items() if at not in known}
        self.images = sorted([*self._files, *self._linked], key=lambda name: name.split("/"))

    def _leave_out(self, what: str, *names: str) -> None:
        self._left_out.setdefault(what, []).extend(names)

    def _scan(self, inside: str, place: str) -> None:
        """Sort what is in a folder, but for one that has been walked or that holds results."""
        if place in self._walked:
            return
        self._walked.add(place)
        try:
            with os.scandir(place) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            raise UserError(f"{self._folder / inside}: cannot be read ({os.strerror(error.errno or 0)})") from None
        if inside and RESULTS.intersection(entry.name for entry in found):
            self._leave_out("folder of results", inside)
            return
        for entry in found:
            name = f"{inside}/{entry.name}" if inside else entry.name
            if _is_hidden(entry.name):
                self._leave_out("hidden folder" if entry.is_dir(follow_symlinks=False) else "hidden file", name)
            elif entry.is_symlink():
                self._links.append(name)
            elif entry.is_dir(follow_symlinks=False):
                self._folders.append((name, f"{place}/{entry.name}"))
            elif entry.is_file(follow_symlinks=False):
                self._sort(name, f"{place}/{entry.name}", self._files)
            else:
                self._leave_out("special file", name)

    def _sort(self, name: str, place: str, images: dict[str, str]) -> None:
        suffix = Path(name).suffix.lower()
        if suffix in FORMAT:
            images[name] = place
        else:
            self._suffixes[suffix or "without a suffix"] += 1

    def _follow(self, name: str) -> None:
        """Sort what a link leads to. A folder around this one would lead back to it."""
        place = Path(os.path.realpath(self._folder / name))
        try:
            mode = place.stat().st_mode
        except OSError:
            mode = 0
        if stat.S_ISDIR(mode):
            if str(place) in self._walked or Path(self._root).is_relative_to(place):
                self._leave_out("link to a folder that is read anyway", name)
            else:
                self._folders.append((name, str(place)))
        elif stat.S_ISREG(mode):
            self._sort(name, str(place), self._linked)
        else:
            self._leave_out("broken link", name)

    def notes(self) -> Iterator[str]:
        """Yield what is left out, or there more than once."""
        for what, several in LEFT_OUT.items():
            if names := self._left_out.get(what):
                lost = "warning: " if what == "broken link" else ""
                yield f"{lost}left out: {len(names)} {what if len(names) == 1 else several} ({_listed(names, 3)})"
        if self._suffixes:
            yield f"left out: {_listed([f'{n} {suffix}' for suffix, n in _by_number(self._suffixes)], 8)}"
        shared = sum(n for n in Counter(self._linked.values()).values() if n > 1)
        if shared:
            yield f"{shared} links lead to a file that another link leads to as well; each is a sample"


def _by_number(counts: Counter[str]) -> list[tuple[str, int]]:
    """Return what is counted, the most frequent first."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _listed(names: Sequence[str], most: int) -> str:
    """Return names for a message, of many only the first."""
    return ", ".join([*names[:most], *([f"{len(names) - most} more"] if len(names) > most else [])])


class Folder(NamedTuple):
    """The images of a folder: values (n, *shape) and how to read rows of them, classes and names (n,), notes."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[NDArray[np.int64]], NDArray[Any]]
    label: NDArray[np.int32] | None
    name: NDArray[np.object_]
    notes: Notes


def look_at_images(folder: Path, background: Background, form: Form | None = None) -> Folder:
    """Look at a folder of images; subfolders are classes, and pages of TIFF files are samples.

    form: what images of any size become; without it, all must be of one size.

    Of TIFF files the pages are counted; of all others but the first, and a few for their colours or sizes, none is
    opened. Raises UserError when there are no images, or what is opened is damaged; `read` raises it for what it opens.
    """
    walk, notes = _Walk(folder), Notes()
    if not walk.images:
        found = "".join(f"; {note}" for note in walk.notes())
        raise UserError(f"{folder}: no images in it ({', '.join(sorted(FORMAT))}){found}")
    places: list[_Place] = []
    classes: list[str] = []
    names: list[str] = []
    for name in walk.images:
        path = folder / name
        pages = _pages(path) if path.suffix.lower() in STACKS else [0]
        places += [_Place(path, page) for page in pages]
        classes += [name.rpartition("/")[0]] * len(pages)
        names += [_text(name) if len(pages) == 1 else f"{_text(name)} page {page + 1}" for page in pages]
    for note in (_content(classes, places), *walk.notes()):
        notes.add(note)
    images = _Alike(places, background, notes) if form is None else _Formed(places, form, notes)
    known = {name: k for k, name in enumerate(sorted(set(classes), key=lambda name: name.split("/")))}
    label = np.array([known[name] for name in classes], dtype=np.int32) if len(known) > 1 else None
    return Folder(
        (len(places), *images.shape), images.dtype, images.read, label, np.array(names, dtype=np.object_), notes
    )


def _text(name: str) -> str:
    """Return the name of a file as text; bytes that are no UTF-8 become \\xNN."""
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def folders_of(folder: Path) -> NDArray[np.int64]:
    """Return which of the folders in it each image of a folder is in, however deep, in the order of `look_at_images`.

    int64 (n,); raises UserError where some are in none.
    """
    first: list[str] = []
    for name in _Walk(folder).images:
        path = folder / name
        first += [name.rpartition("/")[0].partition("/")[0]] * len(
            _pages(path) if path.suffix.lower() in STACKS else [0]
        )
    if not all(first):
        loose = first.count("")
        raise UserError(
            f"{folder}: {loose} of {len(first)} images lie in none of its folders, which say what they belong to"
        )
    return np.unique(first, return_inverse=True)[1]


class _Place(NamedTuple):
    """Where an image is: the file, and the page in it."""

    path: Path
    page: int

    def __str__(self) -> str:
        return f"{self.path}, page {self.page + 1}" if self.page else str(self.path)


def _content(classes: Sequence[str], places: Sequence[_Place]) -> str:
    """Say how many images there are, of which classes."""
    counts, files = Counter(classes), len({place.path for place in places})
    pages = f", which are pages of {files:,} files" if files < len(places) else ""
    images = f"{len(places):,} image{'s' if len(places) > 1 else ''}{pages}"
    if len(counts) == 1:
        return images
    return f"{images}; classes: {_listed([f'{name or LOOSE} ({n:,})' for name, n in sorted(counts.items())], MOST)}"


class _Images:
    """Images whose pixels have one shape and type."""

    def __init__(self, places: Sequence[_Place], notes: Notes, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """Hold where the images are, what is noted of them, and what each becomes."""
        self._places, self._notes, self.shape, self.dtype = places, notes, shape, dtype

    def read(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Read the images of some rows, those of one file together.

        Raises UserError that names the damaged ones, or the first one that is of another size or depth.
        """
        images = np.empty((len(rows), *self.shape), dtype=self.dtype)
        kinds: Counter[str] = Counter()
        damaged, other = [], ""
        for path, some in groupby(np.argsort(rows, kind="stable"), key=lambda k: self._places[int(rows[k])].path):
            try:
                with _opened(path) as file:
                    for k in some:
                        found = self._read(file, int(rows[k]))
                        kinds[found if isinstance(found, str) else self._own] += 1
                        if isinstance(found, str):
                            other = other or f"{self._places[int(rows[k])]}: is {found}"
                        else:
                            images[k] = found
            except UserError as error:
                damaged.append(str(error))
        if damaged:
            raise UserError(
                "\n".join([*damaged[:MOST], *([f"... {len(damaged) - MOST} more"] if damaged[MOST:] else [])])
            )
        if other:
            tally = _listed([f"{kind}: {n}" for kind, n in _by_number(kinds)], 5)
            raise UserError(
                f"{other}, but {self._places[0].path} is {self._own}; convert the images to one "
                "size, depth and number of channels, or use kind imagefolder"
                + (f" (of {len(rows)} read, {tally})" if len(rows) > 1 else "")
            )
        return images

    @property
    def _own(self) -> str:
        """What the images are."""
        return _described(self.shape, self.dtype)

    def _read(self, file: ImageFile, row: int) -> NDArray[Any] | str:
        """Read the image of a row from its file, and note what is done to it; or return what else it is."""
        raise NotImplementedError


class _Alike(_Images):
    """Images of one size and depth. Where some are grey and some have colours, all are read as colours."""

    def __init__(self, places: Sequence[_Place], background: Background, notes: Notes) -> None:
        """Look at the first one, and at a few others if that is grey."""
        with _opened(places[0].path) as file:
            first = _pixels(file, background, _turn_to(file, places[0]))
        coloured = _is_grey(first) and any(_has_colours(place.path) for place in _few(places)[1:])
        super().__init__(places, notes, (*first.shape, 3) if coloured else first.shape, first.dtype)
        self._background = background

    def _read(self, file: ImageFile, row: int) -> NDArray[Any] | str:
        """Read the image of a row as it is, or as colours."""
        done = _turn_to(file, self._places[row])
        if sorted(file.size) != sorted(self.shape[:2]):  # a damaged one could be huge
            return f"{file.width} x {file.height} pixels"
        image = _pixels(file, self._background, done)
        if _is_grey(image) and len(self.shape) == 3:
            image = np.repeat(image[..., None], 3, axis=2)
            done.append("grey images beside others: read as colours")
        if (image.shape, image.dtype) != (self.shape, self.dtype):
            return _described(image.shape, image.dtype)
        for sentence in done:
            self._notes.add(sentence, [row])
        return image


class _Formed(_Images):
    """Images of any size, each brought into one form."""

    def __init__(self, places: Sequence[_Place], form: Form, notes: Notes) -> None:
        """Look at the sizes of a few."""
        super().__init__(places, notes, form.shape, np.dtype(np.uint8))
        self._background = form.background
        self._former = Former(form, filter(None, map(_size, _few(places))))
        notes.add(f"all read as {form}")

    def _read(self, file: ImageFile, row: int) -> NDArray[Any]:
        """Read the image of a row, and bring it into the form; raises UserError where that cannot be."""
        done = _turn_to(file, self._places[row])
        if _is_deep(file):
            raise UserError(
                f"{self._places[row]}: has more than 8 bits a pixel, which kind imagefolder does not read; convert it, "
                "or make all images one size and use kind files, which keeps their values"
            )
        try:
            pixels = _pixels(file, self._background, done, self._former)
        except UserError as error:
            raise UserError(f"{self._places[row]}: {error}") from None
        for sentence in done:
            self._notes.add(sentence, [row])
        return pixels


def _few(places: Sequence[_Place]) -> list[_Place]:
    """Return some of many images, spread evenly."""
    return [places[k] for k in np.unique(np.linspace(0, len(places) - 1, LOOKED_AT).astype(int))]


def _size(place: _Place) -> tuple[int, int] | None:
    """Return the size of an image, before it is turned; a damaged one is reported when it is read."""
    try:
        with _opened(place.path) as file:
            _turn_to(file, place)
            return file.size
    except UserError:
        return None


def _is_grey(image: NDArray[Any]) -> bool:
    return image.ndim == 2 and image.dtype == np.uint8


def _described(shape: tuple[int, ...], dtype: np.dtype[Any]) -> str:
    """Say what an image is."""
    return f"{shape[1]} x {shape[0]} pixels ({'colours' if len(shape) == 3 else 'grey'}, {dtype})"


@contextmanager
def _opened(path: Path) -> Iterator[ImageFile]:
    """Open an image, without Pillow's warnings; raises UserError where it, or what is read from it, is damaged."""
    from PIL import Image

    formats = list(dict.fromkeys([FORMAT[path.suffix.lower()], *SIGNED]))
    try:
        with warnings.catch_warnings(action="ignore"):
            with _by_pillow():
                image = Image.open(path, formats=formats)
            with image:
                yield image
    except _DamagedError as damage:
        raise UserError(f"{path}: not a readable image ({_reason(path, damage.error)}); remove or repair it") from None


class _DamagedError(Exception):
    """What Pillow has raised over a damaged image."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def _by_pillow() -> Iterator[None]:
    """Turn what Pillow raises over a damaged image into a _DamagedError. Only calls of Pillow are in it."""
    from PIL.Image import DecompressionBombError

    try:
        yield
    except (*DAMAGED, DecompressionBombError) as error:
        raise _DamagedError(error) from error


def _reason(path: Path, error: Exception) -> str:
    """Return why an image cannot be read."""
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "of no known format" if path.stat().st_size else "an empty file"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return next(iter(str(error).splitlines()), type(error).__name__)


def _pages(path: Path) -> list[int]:
    """Return the numbers of the pages of a TIFF file that are not smaller copies, or masks, of others."""
    if _has_one_page(path):
        return [0]
    with _opened(path) as file:
        if file.format != "TIFF":
            return [0]
        pages = []
        for page in range(_fact(file, "n_frames", 1)):
            with _by_pillow():
                file.seek(page)
            if page == 0 or not _tag(file, KIND_OF_PAGE, 0) & NO_SAMPLE:
                pages.append(page)
        return pages


def _has_one_page(path: Path) -> bool:
    """Say from the first directory of a TIFF or BigTIFF file whether no other follows, ten times faster than Pillow.

    Adobe, TIFF 6.0 (1992), section 2. Where it is not as expected, Pillow finds out what is wrong.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
            order = {b"II": "<", b"MM": ">"}[head[:2]]
            big = struct.unpack(f"{order}H", head[2:4])[0] == 43
            offset, count, entry = ("Q", "Q", 20) if big else ("I", "H", 12)
            file.seek(*struct.unpack_from(f"{order}{offset}", head, 8 if big else 4))
            (entries,) = struct.unpack(f"{order}{count}", file.read(struct.calcsize(count)))
            file.seek(entries * entry, os.SEEK_CUR)
            return not any(struct.unpack(f"{order}{offset}", file.read(struct.calcsize(offset))))
    except (OSError, KeyError, struct.error, OverflowError, ValueError):
        return False


def _tag(file: Any, tag: int, default: Any) -> Any:
    """Return a tag of the page of a TIFF file, if it is of the type of the default."""
    with _by_pillow():
        value = file.tag_v2.get(tag, default)
    return value if isinstance(value, type(default)) else default


def _fact(file: ImageFile, name: str, default: Any) -> Any:
    """Return what Pillow knows of some kinds of files, and looks up in them."""
    with _by_pillow():
        return getattr(file, name, default)


def _has_colours(path: Path) -> bool:
    """Say from the head of an image whether it is read as colours; a damaged one is reported when it is read."""
    try:
        with _opened(path) as image:
            return not (image.mode in GREY or _is_deep(image) or _is_grey_palette(image))
    except UserError:
        return False


def _is_deep(image: Image) -> bool:
    """Return whether there are more than 8 bits, which Pillow would clip."""
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def _is_grey_palette(image: Image) -> bool:
    """Return whether this is a GIF file with a palette of greys."""
    with _by_pillow():
        palette = image.getpalette() if image.format == "GIF" and image.mode == "P" else None
    return palette is not None and palette[0::3] == palette[1::3] == palette[2::3]


def _turn_to(file: ImageFile, place: _Place) -> list[str]:
    """Go to the page; return notes on other pictures in the file.

    Raises UserError for one of several pictures that are not pages.
    """
    if file.format == "TIFF" and place.path.suffix.lower() in STACKS:
        with _by_pillow():
            file.seek(place.page)
        said = re.match(r"ImageJ=.*?^images=(\d{1,9})$", _tag(file, DESCRIPTION, ""), re.DOTALL | re.MULTILINE)
        if said and int(said[1]) > _fact(file, "n_frames", 1):
            raise UserError(
                f"{place.path}: ImageJ has written {said[1]} images, but not as pages; save them as pages, or as .npy"
            )
    elif _fact(file, "is_animated", False) and file.format == "MPO":  # as cameras write beside previews
        return ["the first of several pictures in the file"]
    elif _fact(file, "is_animated", False):
        raise UserError(
            f"{place.path}: holds several pictures, perhaps an animation; use single images, or an array (.npy) of "
            "samples (frames, height, width)"
        )
    return []


def _pixels(file: ImageFile, background: Background, done: list[str], former: Former | None = None) -> NDArray[Any]:
    """Return the pixels (H, W) or (H, W, 3) of the image in an open file; what is done to them is added to `done`.

    former: brings an image of 8 bits into a form.
    """
    if any(";16" in str(tile.args) for tile in file.tile) and not _is_deep(file):
        done.append("16 bits a colour read as 8")
    grey = file.mode in GREY or _is_grey_palette(file)
    image = _upright(file, done)
    if _is_deep(image):
        pixels, composited = _deep(image, background)
    else:
        flat = _flat(image, background, file.format)
        with _by_pillow():
            plain = flat.convert("L" if grey else "RGB")
        pixels = np.asarray(plain if former is None else former.apply(plain, done))
        composited = flat is not image
    if composited:
        done.append(COMPOSITED[background])
    return pixels


def _upright(file: ImageFile, done: list[str]) -> Image:
    """Load an image and turn it as its EXIF orientation says, as viewers do."""
    from PIL.Image import Transpose

    by_pillow = file.format == "TIFF"  # turns it when it is loaded
    if not by_pillow:
        with _by_pillow():
            file.load()  # PNG files may have it at the end
    try:
        with _by_pillow():
            turn = TURNS.get(file.getexif().get(ORIENTATION, 1))
    except _DamagedError:
        turn = None
        done.append("unreadable EXIF: not turned")
    with _by_pillow():
        file.load()
    if turn is None:
        return file
    done.append("turned as their EXIF orientation says")
    with _by_pillow():
        return file if by_pillow else file.transpose(Transpose(turn))


def _flat(image: Image, background: Background, format_: str | None) -> Image:
    """Composite an image on the background where it is transparent; return it as it is where it is opaque."""
    from PIL import Image as Pillow

    with _by_pillow():
        if not image.has_transparency_data:
            return image
        full = image.convert(PREMULTIPLIED.get(image.mode, image.mode)).convert("RGBA")
        lowest, highest = full.getchannel("A").getextrema()
    if lowest == 255 or (highest == 0 and format_ in ("TGA", "BMP", "DIB")):  # whose fourth byte may be unused
        return image
    with _by_pillow():
        return Pillow.alpha_composite(Pillow.new("RGBA", image.size, background), full)


def _deep(image: Image, background: Background) -> tuple[NDArray[Any], bool]:
    """Return the pixels of an image of more than 8 bits, and whether some were transparent: those of one value."""
    with _by_pillow():
        pixels = np.asarray(image)
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    clear = image.info.get("transparency")
    seen = pixels == clear if isinstance(clear, int) else np.zeros(0, dtype=bool)
    if not seen.any():
        return pixels, False
    return np.where(seen, np.iinfo(np.uint16).max if background == "white" else 0, pixels), True


class Heads(NamedTuple):
    """What the heads of the images in a folder say."""

    sizes: Counter[tuple[int, int]]
    """How many images have which height and width, when they are turned as they are to be seen."""
    coloured: bool
    """Whether some have colours."""


def heads_of(folder: Path) -> Heads:
    """Return the sizes of all images in a folder, which are not decoded; damaged ones are left out.

    Raises UserError where a folder cannot be read.
    """
    sizes: Counter[tuple[int, int]] = Counter()
    coloured = False
    for path in files_of(folder):
        try:
            with _opened(path) as file:
                with _by_pillow():
                    lies = file.getexif().get(ORIENTATION, 1) > max(TURNS) // 2
                width, height = file.size[::-1] if lies else file.size
                pages = len(_pages(path)) if path.suffix.lower() in STACKS else 1
            sizes[height, width] += pages
            coloured = coloured or _has_colours(path)
        except (UserError, _DamagedError, TypeError):
            continue
    return Heads(sizes, coloured)
