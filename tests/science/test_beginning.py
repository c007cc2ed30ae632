"""Computations that are begun elsewhere give the same results, each once, in their order."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from gancensus.contracts.beginning import Begin, elsewhere, here, side_by_side


def test_every_computation_is_done_once_and_results_keep_their_order() -> None:
    done: list[int] = []

    def square(k: int) -> int:
        done.append(k)
        return k * k

    with ThreadPoolExecutor(2) as pool:
        for begin in (here, elsewhere(pool)):
            done.clear()
            assert side_by_side(begin, [partial(square, k) for k in range(40)]) == [k * k for k in range(40)]
            assert sorted(done) == list(range(40))


def test_who_waits_computes_too() -> None:
    blocked = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(blocked.wait, 60)  # the only thread is busy
        begin: Begin = elsewhere(pool)
        assert side_by_side(begin, [threading.get_ident] * 3) == [threading.get_ident()] * 3
        blocked.set()


def test_an_error_comes_where_the_result_is_asked_for() -> None:
    with ThreadPoolExecutor(1) as pool:
        result = elsewhere(pool)(lambda: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            result()
