"""SIGKILLs at random times over a run: of its head, of Snakemake, of steps, trainings and shards."""

from __future__ import annotations

import random
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from gancensus.cli.head import MARK

IDLE = 900  # seconds without a kill or a success, after which nothing will come of it
HEADS = {"head": "gancensus.cli", "snakemake": "snakemake"}  # what is killed, and the word by which it is known
STEPS = {"training": "train.py", "encoder": "fit_encoder.py", "shard": "pairs.py", "other step": ".py"}


def victims(folder: Path, word: str) -> list[psutil.Process]:
    """The processes of a run in this folder, on any node of this machine, that run a program."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            environment, words = process.environ(), process.cmdline()
            ours = environment.get(MARK, "").endswith(f":{folder / 'results'}") or process.cwd() == str(folder)
            if ours and process.name() not in ("bash", "sh") and any(each.endswith(word) for each in words):
                found.append(process)
    return found


def kill_one(folder: Path, chance: random.Random) -> str | None:
    """Kill a random process of the run, mostly a step; say what it was, or that there was nothing to kill."""
    words = STEPS if chance.random() < 0.75 else HEADS
    for kind in chance.sample(sorted(words), len(words)):
        processes = victims(folder, words[kind])
        if processes:
            with suppress(psutil.NoSuchProcess):
                chance.choice(processes).kill()
                return kind
    return None


def chaos(command: Sequence[str], folder: Path, kills: int, seed: int, longest: float) -> Counter[str]:
    """Run to the end, again and again, under that many kills; say how often what was killed.

    Between two kills lie up to `longest` seconds. A run that has ended is started again; one that has finished goes on
    from nothing but a random half of its results, until the kills are spent.
    """
    chance, done, since = random.Random(seed), Counter[str](), time.monotonic()
    while True:
        with (folder / "screen.txt").open("ab") as screen:
            process = subprocess.Popen(command, cwd=folder, stdout=screen, stderr=screen, start_new_session=True)
            while process.poll() is None and sum(done.values()) < kills:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(chance.uniform(0.3, longest))
                    break
                if kind := kill_one(folder, chance):
                    done[kind] += 1
                    since = time.monotonic()
            status = process.wait(IDLE)
        assert time.monotonic() - since < IDLE, (folder / "screen.txt").read_text()[-10_000:]
        if status == 0:
            since = time.monotonic()
            if sum(done.values()) >= kills:
                return done
            forget(folder, chance)
        time.sleep(0.1)


def forget(folder: Path, chance: random.Random) -> None:
    """Delete a random half of the results, so that there is something to do again."""
    for path in sorted((folder / "results").rglob("*")):
        if path.suffix in (".parquet", ".safetensors") and chance.random() < 0.5:
            path.unlink()
