"""Networks in ONNX files, run by onnxruntime; nothing that such a file holds executes code."""

from __future__ import annotations

import hashlib
import re
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.device import choose_device
from gancensus.contracts.errors import UserError
from gancensus.contracts.family import suggestion
from gancensus.storage.tables import reason_of

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

TYPES: dict[str, type[np.floating[Any]]] = {
    "tensor(float16)": np.float16,
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
}
CUDA = ("CUDAExecutionProvider", {"cudnn_conv_algo_search": "DEFAULT", "use_tf32": "0"})
"""Algorithms that are not chosen by timing them, and products of float32: the same numbers every time."""


class Network:
    """A network with one input, and the output that is asked for: one vector per sample."""

    def __init__(self, path: Path, output: str | None, device: str) -> None:
        """Read the file and prepare it for a device (auto, cpu or cuda), on the processor with one thread.

        output: the name of an output; None: the only one.

        Raises UserError without onnxruntime or the GPU that is asked for, and where the file cannot be read, is not
        whole in itself, needs operators of others, or has other inputs or outputs.
        """
        if find_spec("onnxruntime") is None:
            raise UserError("encoder onnx: the package onnxruntime is not installed; run: pip install gancensus[onnx]")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror})") from None
        self.digest = np.frombuffer(hashlib.sha256(content).digest(), dtype=np.uint8)
        """SHA-256 of the file (32,) uint8."""
        self._path, self._session = path, _session(path, content, device)
        self._input = self._the_input()
        self._output = self._the_output(output)
        axes = self._session.get_inputs()[0].shape
        self.shape = tuple(size if isinstance(size, int) and size > 0 else None for size in axes)
        """What the input takes, the batch first; None where any size will do."""
        values = self._session.get_outputs()[self._output].shape[1:2]
        self.dimension = values[0] if values and isinstance(values[0], int) else None
        """Number of values in a vector, where the file says it."""

    def run(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the vectors (n, d) float32 of inputs x (n, ...), at most as many as the network takes at once.

        Raises UserError where it cannot take them, or returns something else than finite vectors.
        """
        (name, kind), missing = self._input, (self.shape[0] or len(x)) - len(x)
        filled = np.concatenate([x, np.zeros((missing, *x.shape[1:]), dtype=np.float32)]).astype(kind)
        out = self._session.get_outputs()[self._output].name
        try:
            (found,) = self._session.run([out], {name: filled})
        except Exception as error:  # of a type for each of its own states
            raise UserError(f"{self._path}: onnxruntime cannot run it ({_reason(error)})") from None
        vectors = np.asarray(found)
        if vectors.shape[2:] == (1, 1):  # what pooling leaves
            vectors = vectors[:, :, 0, 0]
        if vectors.ndim != 2 or len(vectors) != len(filled):
            raise UserError(
                f"{self._path}: output '{out}' has the shape {vectors.shape} for {len(filled)} samples, but a vector "
                "each, (n, d), is needed; export a pooled output (the class token, a mean), for any number of samples"
            )
        with np.errstate(over="ignore"):
            vectors = vectors[: len(x)].astype(np.float32)
        if not np.isfinite(vectors).all():
            raise UserError(
                f"{self._path}: output '{out}' is NaN or infinite for some samples; where the network computes in "
                "float16, export it in float32, and compare the preprocessing with that of its training"
            )
        return vectors

    def _the_input(self) -> tuple[str, type[np.floating[Any]]]:
        """Return name and type of the only input."""
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            names = ", ".join(one.name for one in inputs) or "none"
            raise UserError(f"{self._path}: has {len(inputs)} inputs ({names}); export it with one, for the samples")
        if inputs[0].type not in TYPES:
            raise UserError(f"{self._path}: its input is {inputs[0].type}; it must be {', '.join(TYPES)}")
        return inputs[0].name, TYPES[inputs[0].type]

    def _the_output(self, wanted: str | None) -> int:
        """Return which output is asked for."""
        outputs = self._session.get_outputs()
        names = [one.name for one in outputs]
        if wanted is None and len(names) != 1:
            raise UserError(f"{self._path}: has {len(names)} outputs; choose one with `output`: {', '.join(names)}")
        if wanted is not None and wanted not in names:
            raise UserError(f"{self._path}: has no output '{wanted}'{suggestion(wanted, names)}")
        number = 0 if wanted is None else names.index(wanted)
        if outputs[number].type not in TYPES:
            raise UserError(
                f"{self._path}: output '{names[number]}' is {outputs[number].type}; vectors are {', '.join(TYPES)}"
            )
        return number


def _session(path: Path, content: bytes, device: str) -> InferenceSession:
    """Return a session for a network, with whose file nothing else is opened."""
    import onnxruntime as ort

    on_gpu = choose_device(device) == "cuda" and CUDA[0] in ort.get_available_providers()
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # sums depend on their number
    options.use_deterministic_compute = True
    options.log_severity_level = 4  # what is wrong is raised, too
    try:
        with tempfile.TemporaryDirectory() as empty:  # where weights in a second file are looked for
            options.add_session_config_entry("session.model_external_initializers_file_folder_path", empty)
            providers = [CUDA, "CPUExecutionProvider"] if on_gpu else ["CPUExecutionProvider"]
            session = ort.InferenceSession(content, options, providers=providers)
    except Exception as error:  # of a type for each of its own states
        if re.search("external data", str(error), re.IGNORECASE):
            raise UserError(
                f"{path}: its weights are in a second file; export it as one, with `external_data=False`, or join "
                f"them with the package onnx: onnx.save(onnx.load('{path.name}'), 'whole.onnx')"
            ) from None
        raise UserError(f"{path}: not a network that onnxruntime can run ({_reason(error)})") from None
    if device == "cuda" and session.get_providers()[0] != CUDA[0]:
        raise UserError(
            "device: cuda, but this onnxruntime cannot use the GPU; install onnxruntime-gpu in the place of "
            "onnxruntime, for the CUDA of this machine, or set device to auto or cpu"
        )
    return session


def _reason(error: Exception) -> str:
    """Return the first line of one of onnxruntime's errors, without its number and its place in their code."""
    return re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", reason_of(error)).strip()
