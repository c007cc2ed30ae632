"""A computation inside another program: one thread of BLAS and PyTorch for it, and nothing of the caller's changed."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
from threadpoolctl import threadpool_limits

from gancensus.audit.processes import cores


@contextmanager
def workers(learning: bool) -> Iterator[ThreadPoolExecutor]:
    """Yield threads, as many as there are processors, in each of which BLAS and OpenMP have one thread, as in a step.

    What the caller has set for its own thread (NumPy's reaction to overflow, PyTorch's gradients) does not hold there.
    Environment, warning filters and the number of threads are restored at the end.

    learning: whether scikit-learn may be used; it takes a second to import, and what is loaded later is not limited.
    """
    import scipy.linalg  # noqa: F401

    if learning:
        import sklearn.utils.parallel  # noqa: F401

    environment = dict(os.environ)
    with warnings.catch_warnings(), threadpool_limits(1), _one_thread_of_torch():
        pool = ThreadPoolExecutor(cores(), "gancensus", _begin)
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)
            for name in os.environ.keys() - environment.keys():
                del os.environ[name]
            os.environ.update(environment)


def _begin() -> None:
    """Limit what OpenMP does in this thread, where a caller's limit does not hold."""
    threadpool_limits(1)
    np.seterr(divide="warn", over="warn", under="ignore", invalid="warn")


@contextmanager
def _one_thread_of_torch() -> Iterator[None]:
    """Give PyTorch one thread, if the caller has loaded it; what loads it later takes one by itself."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
