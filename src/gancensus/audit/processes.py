"""Work that is shared among processes: what holds a lock, as HDF5 does, is no faster in threads."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TypeVar

Part = TypeVar("Part")
Made = TypeVar("Made")


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def side_by_side(work: Callable[[Part], Made], parts: Sequence[Part]) -> list[Made] | None:
    """Return what the work makes of each part, in a forked process each; None where one of them fails or is killed.

    What a process changes is lost, apart from what it returns. None is left at the end, whatever ends the work.
    """
    fork, started = get_context("fork"), []
    try:
        for part in parts:
            ours, theirs = fork.Pipe(duplex=False)
            process = fork.Process(target=_send, args=(work, part, ours, theirs), daemon=True)
            started.append((process, ours))
            process.start()
            theirs.close()
        return [ours.recv() for _, ours in started]
    except (EOFError, OSError):
        return None
    finally:
        for process, ours in started:
            if process.pid is not None:
                process.kill()
                process.join()
            ours.close()


def _send(work: Callable[[Part], Made], part: Part, ours: Connection, theirs: Connection) -> None:
    """Send what the work makes of a part, nothing where it fails: the first process does what a signal asks for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    ours.close()  # so that sending fails where the first process has been killed
    with suppress(Exception):
        theirs.send(work(part))
