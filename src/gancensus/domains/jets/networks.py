"""Which of the encoders that an analysis asks are trainings of one network, and which networks can be compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any, NamedTuple

from gancensus.contracts.encoder import Encoder

SCHEDULE = ("epochs", "batch", "learning_rate")  # options of training, which may differ where two losses are compared


class Network(NamedTuple):
    """Encoders with equal options: trainings of one network that differ by their seed."""

    name: str
    """Its kind, and those of its options in which the networks differ: `vae, blocks 2`."""
    kind: str
    trained: str | None
    """`mse` or `emd`, as `Encoder.trained_by`."""
    options: Mapping[str, Any]
    encoders: tuple[str, ...]
    family: str
    """Its name without its blocks: `vae`."""

    @property
    def beta(self) -> float:
        """The weight of the Kullback-Leibler term; 0 of a network without one."""
        return float(self.options.get("beta", 0.0))

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

    Both have one beta, which is 0 of a network without one. What else only one of them has is not compared, nor are
    options of training.
    """
    for one, other in combinations(among, 2):
        emd, mse = (one, other) if one.trained == "emd" else (other, one)
        shared = (set(emd.options) & set(mse.options)) - {"kind", *SCHEDULE}
        same = emd.beta == mse.beta and all(emd.options[key] == mse.options[key] for key in shared)
        if (emd.trained, mse.trained) == ("emd", "mse") and same:
            yield emd, mse


def _network(encoder: Encoder, differ: Sequence[str], names: tuple[str, ...]) -> Network:
    options = encoder.model_dump(mode="json")
    said = {key: f"{key} {options[key]}" for key in differ if key in options}
    name = ", ".join([encoder.kind, *said.values()])
    family = ", ".join([encoder.kind, *(text for key, text in said.items() if key != "blocks")])
    return Network(name, encoder.kind, encoder.trained_by, options, names, family)
