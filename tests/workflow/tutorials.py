"""Follows a tutorial: writes the files that it has the reader write, and runs its commands, in its order."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from runs import ROOT

BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
FILE = re.compile(r"# ([\w./-]+\.\w+)\n")


def follow(name: str, folder: Path, between: Callable[[Path], None] = lambda folder: None) -> dict[str, str]:
    """Follow docs/NAME.md in a folder; return what each block of commands printed. The commands must not fail.

    between: called with the folder after each block, for what the reader is told in words.
    """
    folder.mkdir(exist_ok=True)
    said = {}
    path = os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()])
    site = str(folder / "site")  # for what a tutorial installs
    environment = os.environ | {"PATH": path, "PIP_TARGET": site, "PYTHONPATH": site}
    for language, text in BLOCK.findall((ROOT / "docs" / f"{name}.md").read_text()):
        if language == "bash":
            done = subprocess.run(["bash", "-ec", text], cwd=folder, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
            said[text.strip()] = done.stdout
        elif found := FILE.match(text):
            file = folder / found[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text.removeprefix(found[0]))
        between(folder)
    assert said
    return said
