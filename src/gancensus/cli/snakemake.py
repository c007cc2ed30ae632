"""Snakemake as gancensus starts it: without what it imports for nothing, and, on request, before there is work for it.

`python -m gancensus.cli.snakemake WORDS` does what `python -m snakemake WORDS` does. Without words it imports what it
needs, waits for a line with the words, a list as JSON, on stdin, and ends where there is none.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from types import TracebackType

from gancensus.config.unneeded import leave_out, pandas_later


def main() -> None:
    """Run Snakemake."""
    interrupted = signal.getsignal(signal.SIGINT)
    if interrupted is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # as long as there is nothing to end, and nothing to say
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # which `ahead` has blocked
    gc.set_threshold(100_000)  # each look for what can be collected takes longer than the one before
    leave_out()
    with pandas_later():
        from snakemake.cli import main as snakemake
    import gancensus.config.configuration  # noqa: F401 (the workflow needs it)

    gc.freeze()
    words = sys.argv[1:] or given()
    signal.signal(signal.SIGINT, interrupted)
    sys.excepthook = report
    snakemake(words)


def given() -> list[str]:
    """Return the words that come on stdin; end where it is closed without."""
    line = sys.stdin.readline()
    if not line:
        sys.exit()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    words: list[str] = json.loads(line)
    return words


def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print an error; not that of an interrupt, which Snakemake does not catch before its first job."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)


if __name__ == "__main__":
    main()
