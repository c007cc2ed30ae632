"""Computations that may be begun elsewhere before their results are needed, which are the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Protocol, TypeVar

T = TypeVar("T")


class Begin(Protocol):
    """Takes a computation, and returns what gives its result: a computation that has begun, or itself."""

    def __call__(self, compute: Callable[[], T], /) -> Callable[[], T]:
        """Return what gives the result of a computation."""


def here(compute: Callable[[], T], /) -> Callable[[], T]:
    """Return the computation, which is done when its result is asked for."""
    return compute


def elsewhere(pool: Executor) -> Begin:
    """Return what begins computations in a pool; one that waits there is done where its result is asked for."""

    def begin(compute: Callable[[], T], /) -> Callable[[], T]:
        begun = pool.submit(compute)
        return lambda: compute() if begun.cancel() else begun.result()

    return begin


def side_by_side(begin: Begin, computations: Sequence[Callable[[], T]]) -> list[T]:
    """Return the results of computations that do not depend on each other.

    They are asked for from the last one on, while others do the first ones.
    """
    begun = [begin(compute) for compute in computations]
    return [one() for one in reversed(begun)][::-1]
