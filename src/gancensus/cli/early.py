"""An interrupt while a command is still importing what it needs: there is nothing to end, and one line says so."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` could still be a file of the working directory
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


def leave_when_interrupted() -> Callable[[], None]:
    """End this process at SIGINT, with a line and status 130, until what is returned is called.

    Python would print where it was. An interrupt that is ignored, or that the caller handles, stays so.
    """
    before = _signal.getsignal(_signal.SIGINT)
    if before is not _signal.default_int_handler:
        return lambda: None
    try:
        _signal.signal(_signal.SIGINT, _leave)
    except ValueError:  # of a thread, which gets no signals
        return lambda: None

    def stop() -> None:
        _signal.signal(_signal.SIGINT, before)

    return stop


def _leave(number: int, frame: FrameType | None) -> None:
    os.write(2, b"interrupted\n")
    os._exit(128 + number)  # no import can catch it, as one that looks for what is installed could an exception
