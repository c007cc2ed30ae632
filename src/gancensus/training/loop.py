"""Training: the one loop that fits every network, with the same numbers on every run, interrupted or not.

One thread, deterministic algorithms and one seed per job; parallelism comes from jobs. A GPU gives its own
reproducible numbers, not the CPU's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.family import Member
from gancensus.contracts.fitting import Checkpoint, History
from gancensus.training.resume import Batch, Place, Stateful, TrainingSet, resumed, say, state_of

if TYPE_CHECKING:
    from torch import nn


@contextmanager
def deterministic(seed: int) -> Iterator[None]:
    """Run with one thread, deterministic algorithms, float32 and torch's generators seeded; restore them afterwards."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is only deterministic with a fixed workspace
    import torch

    threads, kind = torch.get_num_threads(), torch.get_default_dtype()
    strict = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float32)
    torch.use_deterministic_algorithms(True)
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            yield
    finally:
        torch.use_deterministic_algorithms(strict[0], warn_only=strict[1])
        torch.set_default_dtype(kind)
        torch.set_num_threads(threads)


def iterate(
    x: TrainingSet[Batch],
    step: Callable[[Batch], Mapping[str, float]],
    epochs: int,
    batch: int,
    parts: Mapping[str, Stateful],
    checkpoint: Checkpoint | None = None,
) -> History:
    """Call step on shuffled batches of x (n, ...) for a number of epochs; return each loss averaged by epoch.

    The last, smaller batch of an epoch is left out (batch normalisation needs full ones) unless it is the only one.
    With a checkpoint, a training that was stopped resumes where its state was saved, bit for bit: parts are all that
    step changes, apart from PyTorch's random numbers. Raises UserError when a loss becomes NaN or infinite.
    """
    import torch

    size = min(batch, len(x))
    batches = len(x) // size
    at = resumed(checkpoint, parts, x, (batches, size), epochs) if checkpoint else Place()
    while at.epoch < epochs:
        if at.batch == 0:
            at.order = torch.randperm(len(x))[: batches * size].reshape(batches, size)
        for rows in at.order[at.batch :].to(x.device):
            at.end_batch(step(x[rows]))
            if checkpoint and checkpoint.due():
                checkpoint.save(state_of(parts, x.device, at), str(at))
        at.end_epoch()
        last = {name: values[-1] for name, values in at.history.items()}
        _report(at.epoch, epochs, last)
        if not np.isfinite(list(last.values())).all():
            raise UserError(f"the training diverged in epoch {at.epoch}: a loss is not finite; lower `learning_rate`")
    return {name: np.asarray(values) for name, values in at.history.items()}


def _report(epoch: int, epochs: int, losses: Mapping[str, float]) -> None:
    """Print about twenty lines over a training, so that its log shows how far it is."""
    if epoch % max(1, epochs // 20) == 0 or epoch == epochs:
        figures = ", ".join(f"{name} {value:.4f}" for name, value in losses.items())
        say(f"epoch {epoch}/{epochs} ({100 * epoch // epochs}%): {figures}")


def weights_of(**networks: nn.Module) -> dict[str, NDArray[Any]]:
    """Return the weights of networks as arrays, each name prefixed with its network's."""
    return {
        f"{network}.{name}": value.detach().cpu().numpy()
        for network, module in networks.items()
        for name, value in module.state_dict().items()
    }


def load_weights(module: nn.Module, network: str, weights: Mapping[str, NDArray[Any]]) -> nn.Module:
    """Put the weights of one network into a module of its architecture and set it to evaluation.

    Raises UserError when they do not fit: the layers may have changed since the model was trained.
    """
    import torch

    own = {
        k.removeprefix(f"{network}."): torch.from_numpy(v) for k, v in weights.items() if k.startswith(f"{network}.")
    }
    try:
        module.load_state_dict(own)
    except RuntimeError:
        raise UserError(
            f"the weights of {network} are not those of this version's layers; delete its model file and run again"
        ) from None
    return module.eval()


def architecture(member: Member, shape: tuple[int, ...]) -> str:
    """Say what a model file holds the weights of: the configuration of its training and the shape of a sample."""
    options = member.model_dump_json(exclude=set(member.outside_training))
    return f"{options} for samples of shape {list(shape)}"


def history_columns(history: History) -> dict[str, NDArray[Any]]:
    """Return the columns of a history table: the epoch, from 1, and each loss, null where it is NaN."""
    epochs = len(next(iter(history.values()), ()))
    known = {name: np.ma.masked_where(np.isnan(values), values) for name, values in history.items()}
    return {"epoch": np.arange(1, epochs + 1), **known}
