"""Encoders whose networks others have trained on photographs (ImageNet), and published."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.device import choose_device
from gancensus.contracts.encoder import Encoder
from gancensus.contracts.errors import UserError
from gancensus.contracts.fitting import Checkpoint, Fitted
from gancensus.training.loop import deterministic
from gancensus.training.networks.images import channels_first, image_shape

if TYPE_CHECKING:
    import torch
    from torch import nn

    N = TypeVar("N", bound=nn.Module)
    Network = Callable[[torch.Tensor], torch.Tensor]

BATCH = 16  # images in the network at once; it divides the block of the embedding, and so changes no value


class Pretrained(Encoder):
    """An encoder of images whose network is not fitted but read from a file that is known by its SHA-256."""

    fitted: ClassVar[bool] = False

    def digest(self) -> str:
        """Return the SHA-256 of the file of weights that is asked for, 64 hexadecimal digits."""
        raise NotImplementedError

    def network(self, place: str) -> Network:
        """Read the file and return the network on a device: from prepared images (n, 3, H, W) to features (n, d).

        Raises UserError when the file is not there, is another one, or holds other layers.
        """
        raise NotImplementedError

    def prepare(self, images: torch.Tensor) -> torch.Tensor:
        """Turn RGB images (n, 3, H, W) in [-1, 1] into what the network takes."""
        raise NotImplementedError

    def check_input(self, x: NDArray[Any]) -> None:
        """Raise UserError when x are no images (n, H, W) or (n, H, W, C), C 1 or 3, and as `network` does."""
        self._check(x.shape[1:])
        self.network("cpu")

    def fit(self, x: NDArray[Any], seed: int, device: str, checkpoint: Checkpoint | None = None) -> Fitted:
        """Check samples and file; no history.

        The weights of the model are the digest alone: `apply` reads the file again, and refuses another.
        Raises UserError as `check_input` does.
        """
        self.check_input(x)
        return Fitted({"sha256": np.frombuffer(bytes.fromhex(self.digest()), dtype=np.uint8).copy()}, {})

    def apply(self, weights: Mapping[str, NDArray[Any]], x: NDArray[Any], device: str) -> NDArray[Any]:
        """Return the features (n, d) float32 of images x (n, H, W) or (n, H, W, C) in [-1, 1].

        Raises UserError when the file is not the one that `fit` has found.
        """
        import torch

        self._check(x.shape[1:])
        if bytes(weights["sha256"]).hex() != self.digest():
            raise UserError(f"encoder {self.kind}: its model is of another file of weights; delete it and run again")
        with deterministic(0), torch.no_grad():
            place = choose_device(device)
            network = _network(self, place)
            found = [
                network(self.prepare(_rgb(x[start : start + BATCH]).to(place))).cpu().numpy()
                for start in range(0, max(1, len(x)), BATCH)
            ]
            return np.concatenate(found)

    def _check(self, shape: tuple[int, ...]) -> None:
        """Raise UserError when samples of a shape are no grey or RGB images."""
        *_, channels = image_shape(shape, f"encoder {self.kind}", multiple=1)
        if channels not in (1, 3):
            raise UserError(
                f"encoder {self.kind}: samples have shape {shape}, {channels} channels; it needs grey or RGB images, "
                "with 1 or 3"
            )


class FromFile(Pretrained):
    """One whose file of weights the user names."""

    path: Path
    sha256: str

    def files(self) -> list[Path]:
        """Return the path."""
        return [self.path]

    def digest(self) -> str:
        """Return the key `sha256`."""
        return self.sha256


@lru_cache(maxsize=1)
def _network(encoder: Pretrained, place: str) -> Network:
    """Return the network of an encoder; `embed` asks for it block by block."""
    return encoder.network(place)


def _rgb(x: NDArray[Any]) -> torch.Tensor:
    """Turn images x (n, H, W) or (n, H, W, C) into a tensor (n, 3, H, W), grey repeated."""
    return channels_first(x).expand(-1, 3, -1, -1)


def filled(build: Callable[[], N], tensors: Mapping[str, torch.Tensor], path: Path) -> N:
    """Build a network and put tensors into it, by name; it is set to evaluation.

    Raises UserError naming the first layer that the file at path lacks, has in another size, or has in excess.
    """
    import torch

    with torch.device("meta"):  # neither memory nor random numbers for weights that are replaced
        network = build()
    # which old files lack, and only training uses
    unused = {name: torch.tensor(0) for name in network.state_dict() if name.endswith(".num_batches_tracked")}
    given = unused | {name: tensor.float() for name, tensor in tensors.items() if name not in unused}
    wanted, found = ({name: list(t.shape) for name, t in s.items()} for s in (network.state_dict(), given))
    for name in [*wanted, *found]:
        if wanted.get(name) != found.get(name):
            has, needs = (str(shapes.get(name, "nothing")) for shapes in (found, wanted))
            raise UserError(f"{path}: holds another network: {name} is {has}, where this encoder has {needs}")
    network.load_state_dict(given, assign=True)
    network.requires_grad_(False).eval()
    return network
