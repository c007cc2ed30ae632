"""Any network, from an ONNX file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from gancensus.contracts.encoder import Encoder
from gancensus.contracts.errors import UserError
from gancensus.contracts.fitting import Checkpoint, Fitted
from gancensus.contracts.samples import Samples, by_block
from gancensus.training.loop import deterministic
from gancensus.training.networks.images import channels_first

if TYPE_CHECKING:
    import torch

    from gancensus.storage.networks import Network

AT_ONCE = 32  # samples that are resized and embedded together where the network takes any number
CLOSE = 1e-3  # relative difference of a vector beside others and alone, which rounding does not make
PREPROCESSING = ("resize", "filter", "antialias", "align", "crop", "mean", "deviation", "channels")


def _listed(value: Any) -> Any:
    """Return a single number as a list of one."""
    if isinstance(value, bool):
        raise PydanticCustomError("number", "needs a number or a list of numbers, not yes or no")
    return [value] if isinstance(value, int | float | str) else value


def _or_list(number: dict[str, Any]) -> WithJsonSchema:
    """Return the schema of a number, or of a list of them."""
    return WithJsonSchema({"anyOf": [number, {"type": "array", "items": number}]})


Size = Annotated[
    tuple[Annotated[int, Field(ge=1)], ...],
    BeforeValidator(_listed),
    Field(min_length=1, max_length=2),
    _or_list({"type": "integer", "minimum": 1}),
]
Means = Annotated[tuple[float, ...], BeforeValidator(_listed), Field(min_length=1), _or_list({"type": "number"})]
Deviations = Annotated[
    tuple[Annotated[float, Field(gt=0)], ...],
    BeforeValidator(_listed),
    Field(min_length=1),
    _or_list({"type": "number", "exclusiveMinimum": 0}),
]


class Onnx(Encoder):
    """Any network as an ONNX file, run by onnxruntime (`pip install gancensus[onnx]`); its vectors are one output.

    docs/encoders.md says how to export the usual ones, and how each wants its images. A network of images takes
    (n, channels, H, W), and samples (H, W) or (H, W, C) become that: values from 0 to 1 for the whole range of the
    samples' scale, resized, cut to the centre, grey repeated where the network wants three channels, less `mean`, over
    `deviation`. Other samples are passed as they are, in [-1, 1], and the keys from `resize` on are not for them.

    The model file has the SHA-256 of the network. Weights in a second file and operators of others are refused.
    """

    kind: Literal["onnx"] = "onnx"
    fitted: ClassVar[bool] = False
    path: Path
    """The ONNX file, relative to the working directory."""
    output: str | None = None
    """The name of the output that is the vector; not needed where there is only one."""
    resize: Size | None = None
    """To what images are resized: N for the shorter side, the other in proportion, or [H, W]."""
    filter: Literal["nearest", "bilinear", "bicubic"] = "bilinear"
    """How `resize` interpolates; bicubic values beyond the range of images are cut."""
    antialias: bool = True
    """Whether bilinear and bicubic filters are widened where images shrink, as Pillow and torchvision do."""
    align: bool = False
    """Whether the centres of the corner pixels stay where they are (PyTorch's `align_corners`), not their edges."""
    crop: Size | None = None
    """What is cut from the centre after that: N for a square, or [H, W]."""
    mean: Means = (0.0,)
    """What is subtracted from values in 0...1: a number, or one for each channel in the order of `channels`."""
    deviation: Deviations = (1.0,)
    """What is divided by then: a number, or one for each channel. For values in 0...255, it is 1/255."""
    channels: Literal["rgb", "bgr"] = "rgb"
    """The order in which the network wants colours."""

    @model_validator(mode="after")
    def _fits_together(self) -> Onnx:
        if self.align and self.filter == "nearest":
            raise PydanticCustomError("align", "`align` is for the filters bilinear and bicubic")
        return self

    def files(self) -> list[Path]:
        """Return the path."""
        return [self.path]

    @property
    def dimension(self) -> int | None:
        """The size of the output, where the file is there and says it."""
        return self._open("cpu").dimension if self.path.exists() else None

    def check_input(self, x: NDArray[Any]) -> None:
        """Embed two of samples x (n, *shape); raises UserError as `fit` does."""
        self._try(self._open("cpu"), x[:2])

    def fit(self, x: NDArray[Any], seed: int, device: str, checkpoint: Checkpoint | None = None) -> Fitted:
        """Embed two samples, and return the SHA-256 of the file, `sha256` (32,) uint8; no history.

        Raises UserError where the file is no network that onnxruntime can run, or does not suit the samples, or where a
        vector is random, or depends on the samples beside it.
        """
        network = self._open(device)
        self._try(network, x[:2])
        return Fitted({"sha256": network.digest}, {})

    def apply(self, weights: Mapping[str, NDArray[Any]], x: NDArray[Any], device: str) -> NDArray[Any]:
        """Return the vectors (n, d) float32; raises UserError also where the file is not the one that was fitted."""
        return self._embed(self._same(weights, device), x)

    def embed(
        self, weights: Mapping[str, NDArray[Any]], samples: Samples, generator: str | None, device: str
    ) -> NDArray[Any]:
        """Return the vectors (n, d) float32 of `apply`, block by block, from a file that is read once."""
        network = self._same(weights, device)
        return by_block(lambda x: self._embed(network, x), samples.x)

    def _open(self, device: str) -> Network:
        from gancensus.storage.networks import Network

        return Network(self.path, self.output, device)

    def _same(self, weights: Mapping[str, NDArray[Any]], device: str) -> Network:
        """Open the file that was fitted."""
        network = self._open(device)
        if not np.array_equal(network.digest, weights["sha256"]):
            raise UserError(f"{self.path}: is not the file any more that the encoder was fitted with; run again")
        return network

    def _try(self, network: Network, x: NDArray[Any]) -> None:
        """Embed a few samples together and one by one, and compare."""
        together = self._embed(network, x)
        alone = [self._embed(network, x[k : k + 1]) for k in range(len(x))]
        close = CLOSE * np.abs(together).max(initial=0)
        if alone and not np.allclose(together, np.concatenate(alone), rtol=CLOSE, atol=close):
            raise UserError(
                f"{self.path}: a sample's vector is random, or depends on the samples beside it; export the network "
                "as it is used (net.eval()), without sampling"
            )

    def _embed(self, network: Network, x: NDArray[Any]) -> NDArray[Any]:
        """Return the vectors (n, d) float32 of samples x (n, *shape), a few at a time."""
        prepare, size = self._preparation(network, x.shape[1:]), network.shape[0] if network.shape else None
        some = x if len(x) else np.zeros((1, *x.shape[1:]), dtype=np.float32)  # of none, only d is asked
        step = size or AT_ONCE
        with deterministic(0):
            found = [network.run(prepare(some[k : k + step])) for k in range(0, len(some), step)]
        return np.concatenate(found)[: len(x)]

    def _preparation(self, network: Network, shape: tuple[int, ...]) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
        """Return what turns samples (n, *shape) into the network's input; raises UserError where nothing does."""
        wanted = network.shape
        if len(wanted) == 4 and (len(shape) == 2 or shape[2:] in ((1,), (3,))):
            channels = self._channels(wanted[1], shape[2] if len(shape) == 3 else 1)
            size = self._cut(self._resized(shape[:2]))
            self._check_size((channels, *size), wanted[1:], "images, once resized and cut, have")
            return lambda x: self._prepare(x, channels, size)
        defaults = {key: type(self).model_fields[key].default for key in PREPROCESSING}
        given = [f"`{key}`" for key, default in defaults.items() if getattr(self, key) != default]
        if given:
            raise UserError(
                f"encoder onnx: {', '.join(given)}: for samples (H, W) or (H, W, C) in a network (n, channels, H, W), "
                f"but samples have shape {shape} and {self.path} takes {_said(wanted)}; leave the preprocessing out"
            )
        self._check_size(shape, wanted[1:], "samples have")
        return lambda x: np.ascontiguousarray(x, dtype=np.float32)

    def _channels(self, wanted: int | None, there: int) -> int:
        """Return how many channels the network is given, of images that have 1 or 3."""
        channels = wanted or there
        if channels not in (there, 3):
            raise UserError(
                f"{self.path}: takes images of {channels} channels, but the samples have {there}; use a network of "
                "three channels, or samples like those that it was trained on"
            )
        for key, numbers in (("mean", self.mean), ("deviation", self.deviation)):
            if len(numbers) not in (1, channels):
                said = f"`{key}` has {len(numbers)} numbers, but the network takes {channels} channels"
                raise UserError(f"encoder onnx: {said}; give one number, or one for each")
        return channels

    def _resized(self, size: tuple[int, ...]) -> tuple[int, int]:
        """Return height and width after resizing; those in proportion are rounded down, as in torchvision."""
        height, width = size
        if self.resize is None:
            return height, width
        if len(self.resize) == 2:
            return self.resize[0], self.resize[1]
        (side,), short = self.resize, min(size)
        return side * height // short, side * width // short

    def _cut(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return height and width after cutting."""
        if self.crop is None:
            return size
        cut = self.crop[0], self.crop[-1]
        if cut[0] > size[0] or cut[1] > size[1]:
            raise UserError(
                f"encoder onnx: `crop` {cut[0]} x {cut[1]} is larger than the images, {size[0]} x {size[1]}; "
                "enlarge them with `resize`, or lower it"
            )
        return cut

    def _check_size(self, there: tuple[int, ...], wanted: tuple[int | None, ...], what: str) -> None:
        """Raise UserError where a network that wants axes of some sizes cannot take those that are there."""
        fits = len(there) == len(wanted) and all(b in (None, a) for a, b in zip(there, wanted, strict=True))
        if not fits:
            hint = "; set `resize` or `crop`" if len(wanted) == 3 else ""
            raise UserError(f"{self.path}: takes samples of shape {_said(wanted)}, but {what} {_said(there)}{hint}")

    def _prepare(self, x: NDArray[Any], channels: int, size: tuple[int, int]) -> NDArray[np.float32]:
        """Turn images x (n, H, W) or (n, H, W, C) in [-1, 1] into the input (n, channels, *size)."""
        import torch

        images = self._resize((channels_first(x) + 1) / 2)
        top, left = (round((there - cut) / 2) for there, cut in zip(images.shape[2:], size, strict=True))
        images = images[:, :, top : top + size[0], left : left + size[1]].expand(-1, channels, -1, -1)
        if self.channels == "bgr":
            images = images.flip(1)
        mean, deviation = (torch.tensor(numbers).reshape(1, -1, 1, 1) for numbers in (self.mean, self.deviation))
        prepared: NDArray[np.float32] = ((images - mean) / deviation).contiguous().numpy()
        return prepared

    def _resize(self, images: torch.Tensor) -> torch.Tensor:
        """Resize images (n, C, H, W) with values in [0, 1]."""
        from torch.nn.functional import interpolate

        size = self._resized(tuple(images.shape[2:]))
        if size == tuple(images.shape[2:]):
            return images
        if self.filter == "nearest":  # as Pillow: the pixel in which the centre of the new one lies
            return interpolate(images, size, mode="nearest-exact")
        made = interpolate(images, size, mode=self.filter, align_corners=self.align, antialias=self.antialias)
        return made.clamp(0, 1) if self.filter == "bicubic" else made


def _said(shape: tuple[int | None, ...]) -> str:
    """Return a shape in words; '?' where any size will do."""
    return f"({', '.join('?' if size is None else str(size) for size in shape)})"
