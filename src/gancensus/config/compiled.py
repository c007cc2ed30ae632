"""Where numba keeps this package's compiled code: in the user's cache, by the state of all that is compiled.

numba itself would keep it in the package's folder, and compile a function again when its own file has changed, but not
when one that it calls has, of another file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]
COMPILED = "compiled-"  # what folders of compiled code are called, before the digest of the code
DAYS = 30  # without use, after which a folder of compiled code is removed


@cache
def keep_compiled_code() -> None:
    """Have numba keep the compiled code of this package where commands and steps do, in a program of the user's.

    What the user has set for numba holds: a folder for compiled code, and all that concerns code of others.
    """
    caching: Any = import_module("numba.core.caching")  # whose methods have no types
    with suppress(OSError, RuntimeError, AttributeError):  # then numba looks for a place itself
        folder = _writable_folder()

        class OurPlace(caching.InTreeCacheLocator):  # type: ignore[misc]
            def get_cache_path(self) -> str:
                return str(folder / self.get_suitable_cache_subpath(self._py_file))

            @classmethod
            def from_function(cls, py_func: Callable[..., Any], py_file: str) -> Any:
                ours = not caching.config.CACHE_DIR and Path(py_file).is_relative_to(PACKAGE)
                return super().from_function(py_func, py_file) if ours else None

        caching.CacheImpl._locator_classes.insert(0, OurPlace)


def _writable_folder() -> Path:
    """Return the folder for compiled code in the user's cache, else in a folder for what is temporary."""
    try:
        return compiled_folder(users_cache())
    except (OSError, RuntimeError):
        return compiled_folder(own_folder())


def users_cache() -> Path:
    """Return the user's folder for caches. Raises RuntimeError where there is no home."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())


def own_folder() -> Path:
    """Return a folder for caches that is this user's alone: files in a cache are executed."""
    folder = Path(tempfile.gettempdir()) / f"gancensus-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid == os.getuid() and not found.st_mode & 0o077 and folder.is_dir() and not folder.is_symlink():
        return folder
    return Path(tempfile.mkdtemp(prefix="gancensus-"))


def compiled_folder(caches: Path) -> Path:
    """Make and return the folder for compiled code. Those of other states go once they have not been used for DAYS.

    Raises OSError where it cannot be written to.
    """
    place = caches / "gancensus"
    folder = place / f"{COMPILED}{_digest_of_compiled()}"
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder)
    for other in place.glob(f"{COMPILED}*"):
        with suppress(FileNotFoundError):  # another process has just removed it
            if other.stat().st_mtime < time.time() - DAYS * 86400:
                shutil.rmtree(other, ignore_errors=True)
    return folder


def _digest_of_compiled() -> str:
    """Return a digest of all modules of this package that have compiled functions."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        content = path.read_bytes()
        if b"numba" in content:
            digest.update(b"%d " % len(content) + content)
    return digest.hexdigest()[:16]
