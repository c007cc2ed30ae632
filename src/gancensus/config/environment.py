"""What a user's shell must not decide: which code is imported, how text is written, where caches lie.

A user may have a file queue.py in the working directory, PYTHONIOENCODING=latin-1 for an old terminal,
NUMBA_DISABLE_JIT from a debugging session, a HOME that no job can write to. None of this may change a result, stop a
run, or be executed.
"""

from __future__ import annotations

import os
import sys


def _import_nothing_from_here() -> None:
    """Take the working directory off the path, where `python -m` and empty entries of PYTHONPATH have put it."""
    here = ("", ".", os.getcwd())  # noqa: PTH109 (pathlib is not imported yet)
    if not sys.flags.safe_path and sys.path and sys.path[0] in here:
        del sys.path[0]
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    named = [entry for entry in entries if entry not in ("", ".")]
    if named != entries and "PYTHONPATH" in os.environ:
        sys.path[:] = [entry for entry in sys.path if entry not in here or entry in named]
        os.environ["PYTHONPATH"] = os.pathsep.join(named)


_import_nothing_from_here()  # the modules imported below must be Python's own

import io
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path

from gancensus.config.compiled import compiled_folder, own_folder, users_cache

IGNORED = (
    "PYTHONINSPECT",  # a prompt after the program
    "PYTHONIOENCODING",
    "PYTHONOPTIMIZE",  # no docstrings, which are the descriptions of keys
    "PYTHONWARNINGS",  # `error` makes every deprecation a crash
    "MATPLOTLIBRC",
    "MPLBACKEND",
    "SNAKEMAKE_PROFILE",  # another executor, other resources
)
KEPT = "NUMBA_CACHE_DIR"  # the only one of numba's variables that stays


def isolate() -> None:
    """Shield this process, and all that it will start, from the user's shell and working directory.

    Must be called before NumPy, numba or matplotlib are imported. A user's PYTHONPATH stays, except its empty entries
    (`:/opt/lib`), which stand for the working directory.
    """
    if "PYTHONWARNINGS" in os.environ:
        warnings.simplefilter("ignore")
    for name in list(os.environ):
        if name in IGNORED or (name.startswith("NUMBA_") and name != KEPT):
            del os.environ[name]
    os.environ.update(PYTHONSAFEPATH="1", PYTHONUTF8="1")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    for name in ("TMPDIR", "TEMP", "TMP"):
        if name in os.environ and not _writable(Path(os.environ[name])):
            del os.environ[name]
    _have_a_cache()
    _keep_compiled_code()


def _have_a_cache() -> None:
    """Give Snakemake and numba a folder for their caches if the user's own cannot be written to.

    Without a home, they would make a folder named `~` here.
    """
    with suppress(OSError, RuntimeError):
        cache = users_cache() / "snakemake"
        cache.mkdir(parents=True, exist_ok=True)
        if _writable(cache):
            return
    os.environ["XDG_CACHE_HOME"] = str(own_folder())


def _keep_compiled_code() -> None:
    """Have numba keep compiled code in the user's cache, by the state of the code, unless the user has said where.

    All that this starts inherits the folder.
    """
    if KEPT not in os.environ:
        with suppress(OSError, RuntimeError):  # then numba looks for a place itself
            os.environ[KEPT] = str(compiled_folder(users_cache()))


def compiled_code() -> Path | None:
    """Return the folder of compiled code, if there is one."""
    return Path(os.environ[KEPT]) if KEPT in os.environ else None


def nothing_compiled() -> bool:
    """Say whether the first run on this machine is still to come, which compiles for about a minute."""
    folder = compiled_code()
    return folder is None or next(folder.glob("*/*.nbi"), None) is None


def _writable(folder: Path) -> bool:
    """Say whether files can be made in a folder; only trying tells, for root and on network file systems."""
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True
