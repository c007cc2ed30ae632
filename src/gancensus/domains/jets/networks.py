"""Which of the encoders that an analysis asks are trainings of one network, and which networks can be compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any, NamedTuple

from gancensus.contracts.encoder import Encoder

SCHEDULE = ("epochs", "batch", "learning_rate", "beta")  # keys that fit a network to its loss, and do not make it


class Network(NamedTuple):
    """Encoders with equal options: trainings of one network that differ by their seed."""

    name: str
    """Its kind, and those of its options in which the networks differ: `vae, blocks 2`."""
    kind: str
    trained: str
    """`mse` or `emd`, as `Encoder.trained_by`."""
    options: Mapping[str, Any]
    encoders: tuple[str, ...]

    def alike(self, *apart: str) -> str:
        """Return all its options but some, as one word to compare."""
        return json.dumps({key: value for key, value in self.options.items() if key not in apart}, sort_keys=True)


def networks(encoders: Mapping[str, Encoder]) -> list[Network]:
    """Return the networks of encoders by name, in their order."""
    every = {name: one.model_dump(mode="json") for name, one in encoders.items()}
    keys = list(dict.fromkeys(key for options in every.values() for key in options if key != "kind"))
    differ = [k for k in keys if len({json.dumps(options[k]) for options in every.values() if k in options}) > 1]
    found: dict[str, list[str]] = {}
    for name, options in every.items():
        found.setdefault(json.dumps(options, sort_keys=True), []).append(name)
    return [_network(encoders[first], differ, (first, *others)) for first, *others in found.values()]


def deeper(among: Sequence[Network]) -> Iterator[tuple[Network, Network]]:
    """Yield pairs of a network and one that differs in having fewer blocks: the next fewer, then the fewest."""
    groups: dict[str, list[Network]] = {}
    for one in among:
        if "blocks" in one.options:
            groups.setdefault(one.alike("blocks"), []).append(one)
    for group in groups.values():
        ordered = sorted(group, key=lambda one: int(one.options["blocks"]))
        yield from ((more, fewer) for fewer, more in pairwise(ordered))
        if len(ordered) > 2:
            yield ordered[-1], ordered[0]


def by_loss(among: Sequence[Network]) -> Iterator[tuple[Network, Network]]:
    """Yield pairs of a network trained by transport and an equally large one trained by squared differences.

    What only one of them has is not compared, nor are the options that fit a network to its loss.
    """
    for one, other in combinations(among, 2):
        emd, mse = (one, other) if one.trained == "emd" else (other, one)
        shared = (set(emd.options) & set(mse.options)) - {"kind", *SCHEDULE}
        same = all(emd.options[key] == mse.options[key] for key in shared)
        if (emd.trained, mse.trained) == ("emd", "mse") and same:
            yield emd, mse


def _network(encoder: Encoder, differ: Sequence[str], names: tuple[str, ...]) -> Network:
    options = encoder.model_dump(mode="json")
    said = [f"{key} {options[key]}" for key in differ if key in options]
    return Network(", ".join([encoder.kind, *said]), encoder.kind, encoder.trained_by, options, names)
