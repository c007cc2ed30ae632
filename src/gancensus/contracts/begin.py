"""How a computation uses threads that others have made: it begins its parts, and waits for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Protocol, TypeVar

T = TypeVar("T")


class Begin(Protocol):
    """Begins a computation elsewhere, or not at all, and returns a function that waits for its result."""

    def __call__(self, compute: Callable[[], T], /) -> Callable[[], T]:
        """Begin a computation whose result does not depend on where and when it is done."""


def later(compute: Callable[[], T]) -> Callable[[], T]:
    """Leave a computation to whom wants its result."""
    return compute


def beside(pool: Executor) -> Begin:
    """Return what begins computations in a pool; who waits for one that has not been begun does it."""

    def begin(compute: Callable[[], T]) -> Callable[[], T]:
        begun = pool.submit(compute)
        return lambda: compute() if begun.cancel() else begun.result()

    return begin


def together(begin: Begin, computations: Sequence[Callable[[], T]]) -> list[T]:
    """Return the results of computations, in their order; those that take longest should be first.

    They are waited for from the last on, so that who waits does those that nobody has begun.
    """
    begun = [begin(compute) for compute in computations]
    return [wait() for wait in reversed(begun)][::-1]
