"""Random numbers that depend on names alone, never on order, time, process or shard."""

import hashlib
import json

import numpy as np


def derive_seed(seed: int, *names: str | int) -> int:
    """Return a 63-bit seed for the thing that the names spell: study, stage, name, replica, block.

    The names are hashed (SHA-256 of their JSON list), so that two things share no stream and adding a third moves none.
    """
    digest = hashlib.sha256(json.dumps([seed, *names]).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def derive_rng(seed: int, *names: str | int) -> np.random.Generator:
    """Return the generator of random numbers of the thing that the names spell (Philox: the same on every machine)."""
    return np.random.Generator(np.random.Philox(derive_seed(seed, *names)))
