"""What an audit asks of samples of a kind: encoders, definitions of duplicates, splits, analyses."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic import ValidationError

from gancensus.audit.asked import Asked
from gancensus.audit.places import absolute
from gancensus.audit.recognise import Input
from gancensus.config.registry import members
from gancensus.contracts.encoder import Encoder
from gancensus.contracts.errors import UserError
from gancensus.contracts.family import suggestion
from gancensus.contracts.showers import VOXELS
from gancensus.plotting import numbers

COMPONENTS = 16  # of `pca`, at most
OF_ITS_OWN = 0.2  # share of the real samples that an encoder is fitted on
BEAMS = 50  # different energies, at most, of showers that are compared at equal energy
WINDOW = 11  # cells across the windows of SSIM
FEW, PARTS = 12, 3  # samples that fidelity needs of a generator, and of each part of the real ones: a third, at least
SECONDS = 3.0  # of one core that fidelity may take where nobody asks for it: less than the rest of a small audit
MOST = 10_000  # samples of each population that its classifier takes
WIDTH = 2.0  # of images of jets: that of their usual window in eta and phi, which balanced distances do not depend on
Section = dict[str, Any]


class Space(NamedTuple):
    """An encoder of a study."""

    name: str
    section: Section
    fitted: bool
    dimension: int
    said: str


class Questions(NamedTuple):
    """Definitions by name and analyses by kind, and a line about each."""

    definitions: dict[str, Section]
    analyses: dict[str, Section]
    said: list[str]


def space_of(encoder: str, real: Input, kind: str, learned: int, values: Callable[[], int]) -> Space:
    """Return the encoder that a user has asked for, a kind or an .onnx file.

    learned: how many samples it could be fitted on; values: returns how many values one has, 0 where that is unknown.
    Raises UserError for what is neither, and kinds that need more.
    """
    known = _encoders()
    if encoder.endswith(".onnx"):
        return _onnx(absolute(encoder), encoder, real, kind)
    if encoder not in known:
        raise UserError(f"--encoder {encoder}: is neither an .onnx file nor an encoder without files"
                        f"{suggestion(encoder, known)}")  # fmt: skip
    section: Section = {"kind": encoder}
    if encoder == "pca" and (most := values()):
        section["components"] = max(1, min(COMPONENTS, most, learned))
    member = known[encoder](**section)
    dimension = member.dimension or COMPONENTS
    how = "fitted on real samples" if member.fitted else "a network that others have trained"
    return Space(encoder, section, member.fitted, dimension, f"encoder: {encoder}, {how}")


def _encoders() -> dict[str, type[Encoder]]:
    """Return the encoders that need no file of the user's, by kind."""
    found = {}
    for kind, member in members(Encoder).items():
        try:
            member(kind=kind)
        except ValidationError:
            continue
        found[kind] = member
    return found


def _onnx(path: Path, text: str, real: Input, kind: str) -> Space:
    """Return the network of a file; images are resized where it takes one size."""
    from gancensus.storage.networks import Network

    if not path.is_file():
        raise UserError(f"--encoder {text}: no such file (looked for from {Path.cwd()})")
    network = Network(path, None, "cpu")
    section: Section = {"kind": "onnx", "path": str(path)}
    said = f"encoder: the network in {text}"
    sides = network.shape[2:]
    if kind == "images":
        several = real.heads is not None and len(real.heads.sizes) > 1
        if len(sides) == 2 and None not in sides and (several or sides != real.shape_as(kind)[:2]):
            section["resize"] = [int(side) for side in sides if side]
            said += f"; images are resized to its {sides[1]} x {sides[0]} pixels"
        said += "; it gets values from 0 to 1 (else, give its vectors: --features; or, in YAML, `mean` and `deviation`)"
    name = re.sub(r"[^A-Za-z0-9_]+", "-", path.stem).strip("-_")
    name = name if name[:1].isalpha() else f"network-{name}".rstrip("-")
    return Space(name[:60], section, False, network.dimension or 1000, said)


def features_of(files: Mapping[str, Path], dimension: int, names: Mapping[str, str]) -> Space:
    """Return precomputed vectors as an encoder; files by role, names of generators by role."""
    generated = {names[role]: str(path) for role, path in files.items() if role != "real"}
    section: Section = {"kind": "vectors", "path": str(files["real"]), "generated": generated}
    return Space("features", section, False, dimension, f"features: {dimension:,} numbers of each sample, as given")


def questions(kind: str, inputs: Mapping[str, Input], spaces: Sequence[Space], asked: Asked) -> Questions:
    """Return what is asked of samples of a kind; raises UserError where it cannot be."""
    real = inputs["real"]
    metrics: dict[str, tuple[Section, str]] = {
        "images": ({"pixels": {"euclidean": {}}}, "pixels: Euclidean distance of all pixels"),
        "tables": ({"gower": {"gower": {}}}, "gower: Gower's distance, the mean difference over the columns"),
        "jets": _of_jets(real),
        "numbers": ({"near": {"euclidean": {}}}, "near: Euclidean distance"),
    }
    own, said_of_own = _of_showers(inputs) if kind == "showers" else metrics[kind]
    latent = {one.name: {"euclidean": {"encoder": one.name}} for one in spaces}
    lines = [f"{one.name}: Euclidean distance of the vectors of {one.name}" for one in spaces]
    if kind == "images":
        definitions, lines = {**latent, **own}, [*lines, said_of_own]
    else:
        definitions, lines = {**own, **latent}, [said_of_own, *lines]
    for definition in definitions.values():
        for name, metric in definition.items():
            if asked.alpha is not None and metric.get("kind", name) != "condition":
                metric["alpha"] = asked.alpha
    said = [f"duplicates, {line}" for line in lines]
    analyses = _analyses(kind, inputs, spaces, asked.fidelity, said)
    return Questions(definitions, analyses, said)


def _of_jets(real: Input) -> tuple[Section, str]:
    width = {} if real.of_particles else {"width": WIDTH}
    return {"emd": {"emd": width}}, "emd: the earth mover's distance, of jets of equal total"


def _of_showers(inputs: Mapping[str, Input]) -> tuple[Section, str]:
    """Return energy and shapes along each axis, at equal primary energies where these are a few."""
    axes = min(3, len(inputs["real"].shape))
    named = ("x", "y", "z") if inputs["real"].section.get("layout") != "calochallenge" else ("layer", "angle", "radius")
    names = named if axes == 3 else tuple(f"axis{k}" for k in range(axes))
    metrics: Section = {"deposit": {"kind": "scalar", "relative": True}}
    metrics |= {name: {"kind": "shape", "axis": axis} for axis, name in enumerate(names)}
    said = f"showers: deposited energy (relative), and the profile along {', '.join(names)}"
    if _few_beams(inputs):
        metrics = {"beam": {"kind": "condition", "column": "energy"}, **metrics}
        said += "; of showers of equal primary energy"
    lacking = [role for role, one in inputs.items() if "energy" not in one.conditions]
    if lacking and len(lacking) < len(inputs):
        have = "have" if len(lacking) > 1 else "has"
        said += f"; at any primary energy, as {numbers.listing(lacking)} {have} none beside the showers"
    return {"showers": metrics}, said


def _few_beams(inputs: Mapping[str, Input]) -> bool:
    """Say whether primary energies are a few values, the same ones in all inputs."""
    if any("energy" not in one.conditions for one in inputs.values()):
        return False
    beams = np.unique(inputs["real"].conditions["energy"].astype(np.float32))
    most = min(BEAMS, (inputs["real"].count or 0) // 50)
    others = [one.conditions["energy"].astype(np.float32) for one in inputs.values()]
    return 1 < len(beams) <= most and all(np.isin(values, beams).all() for values in others)


def _analyses(
    kind: str, inputs: Mapping[str, Input], spaces: Sequence[Space], fidelity: bool, said: list[str]
) -> dict[str, Section]:
    """Return the analyses that suit the samples, and are done in time; what is left out is said."""
    found: dict[str, Section] = {}
    real = inputs["real"]
    if kind == "tables":
        found["synthetic"] = {}
    if kind == "showers":
        reason = _no_physics(inputs)
        found |= {} if reason else {"physics": {}}
        said += [f"physics: left out, as {reason}"] if reason else []
    if kind == "jets" and real.of_particles:
        found["substructure"] = {}
    if spaces or kind in ("images", "numbers", "tables"):
        section = {"encoder": spaces[0].name} if spaces else {}
        width = spaces[0].dimension if spaces else int(np.prod(real.shape))
        needed = {role: PARTS * FEW if role == "real" else FEW for role in inputs if role != "train"}
        few = [
            f"{role} has {inputs[role].count}"
            for role, least in needed.items()
            if (inputs[role].count or least) < least
        ]
        if few:
            said.append(
                f"fidelity: left out, as it needs {FEW} samples each, {PARTS * FEW} real ones: {numbers.listing(few)}"
            )
        elif (seconds := _seconds(inputs, width)) <= SECONDS or fidelity:
            found["fidelity"] = section
        else:
            about = f"{seconds:.0f} seconds" if seconds < 100 else f"{seconds / 60:,.0f} minutes"
            said.append(f"fidelity: left out, as it takes about {about} of a core; `--fidelity` asks for it")
    elif fidelity:
        raise UserError(f"--fidelity: compares vectors, and {kind} have none here; give --encoder, or --features")
    if found:
        said.append(f"analyses: {', '.join(found)}")
    return found


def _no_physics(inputs: Mapping[str, Input]) -> str | None:
    """Return why showers cannot be judged as physicists do; None where they can."""
    real = inputs["real"]
    if (
        len(real.shape) != 3
        or real.section.get("layout") == "calochallenge"
        or (real.scale is not None and real.scale.names == VOXELS)
    ):
        return "it needs cells (x, y, z)"
    if min(real.shape[:2]) < WINDOW:
        return f"its similarity of showers needs {WINDOW} x {WINDOW} cells across"
    if any("energy" not in one.conditions for one in inputs.values()):
        return "not all showers have their primary `energy` beside them"
    return None


def _seconds(inputs: Mapping[str, Input], width: int) -> float:
    """Return about how long fidelity takes, as measured on one core with 2,000 to 50,000 samples of 2 to 768 values.

    Half of the real samples are compared with generated ones, and with as many others, which give the null values.
    """
    real = (inputs["real"].count or 10**6) / 2
    others = (inputs["train"].count or 10**6) if "train" in inputs else 0.75 * real
    made = [one.count or 10**6 for role, one in inputs.items() if role not in ("real", "train")]
    return sum(_seconds_of(real, min(size, others), width) for size in made)


def _seconds_of(real: float, made: float, width: int) -> float:
    """Return the same of one generator: all pairs, the classifier, and the covariances of halves."""
    pairs = real**2 / 2 + made**2 + 2 * real * made
    judged = min(real, MOST) + min(made, MOST)
    values = min(width, (real + made) / 4)  # of covariances, or rows of halves
    return (
        0.2
        + pairs * (4.3e-9 + 8.5e-11 * width)
        + judged * (5e-5 + 3.8e-6 * min(width, 64))
        + values**2 * (1.5e-9 * (real + made) + 2.5e-8 * values)
    )
