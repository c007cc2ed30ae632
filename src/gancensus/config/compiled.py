"""Where numba keeps this package's compiled code: in the user's cache, by the state of all that is compiled.

numba itself would keep it in the package's folder, and compile a function again when its own file has changed, but not
when one that it calls has, of another file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
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
        folder = compiled_folder()

        class OurPlace(caching.InTreeCacheLocator):  # type: ignore[misc]
            def get_cache_path(self) -> str:
                return str(folder / self.get_suitable_cache_subpath(self._py_file))

            @classmethod
            def from_function(cls, py_func: Callable[..., Any], py_file: str) -> Any:
                ours = not caching.config.CACHE_DIR and Path(py_file).is_relative_to(PACKAGE)
                return super().from_function(py_func, py_file) if ours else None

        caching.CacheImpl._locator_classes.insert(0, OurPlace)


def compiled_folder() -> Path:
    """Make and return the folder for compiled code. Those of other states go once they have not been used for DAYS.

    Raises OSError and RuntimeError where the user has no cache that can be written to.
    """
    user_cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "gancensus"
    folder = user_cache / f"{COMPILED}{_digest_of_compiled()}"
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder)
    for other in user_cache.glob(f"{COMPILED}*"):
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
