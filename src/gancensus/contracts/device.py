"""Where networks and searches run: on the processor or on a GPU."""

from ctypes import CDLL

from gancensus.contracts.errors import UserError


def choose_device(device: str) -> str:
    """Return 'cpu' or 'cuda' for auto, cpu or cuda; without a GPU's driver, auto does not even load PyTorch.

    Raises UserError when CUDA is asked for and there is none.
    """
    if device == "cpu" or (device == "auto" and not _has_driver()):
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise UserError("device: cuda, but PyTorch finds no CUDA GPU here; set device to auto or cpu")
    return "cpu"


def _has_driver() -> bool:
    """Return whether the driver of CUDA can be loaded from where PyTorch looks for it."""
    try:
        CDLL("libcuda.so.1")
    except OSError:
        return False
    return True
