"""What the tests on a real cluster share; they use the runs of the tests of the workflow."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

sys.path.append(str(Path(__file__).parents[1] / "workflow"))

from cluster import Cluster
from runs import ROOT


def needs(*daemons: str) -> None:
    """Skip a test without root or a daemon."""
    if missing := [*(["root"] if os.geteuid() else []), *(name for name in daemons if not shutil.which(name))]:
        pytest.skip(f"needs {', '.join(missing)}: make slurm-test")


@pytest.fixture
def accounted(tmp_path: Path) -> Iterator[Cluster]:
    """Two nodes, with accounting."""
    needs("slurmctld", "slurmd", "munged", "slurmdbd", "mariadbd")
    cluster = Cluster(tmp_path / "c", accounting=True)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two nodes, no accounting."""
    needs("slurmctld", "slurmd", "munged")
    cluster = Cluster(tmp_path_factory.mktemp("cluster") / "c")
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """The profile of users, with a shorter breath."""
    options = yaml.safe_load((ROOT / "workflow/profiles/slurm/config.yaml").read_text())
    options["slurm-init-seconds-before-status-checks"] = 3
    (tmp_path / "profile").mkdir()
    (tmp_path / "profile/config.yaml").write_text(yaml.safe_dump(options))
    return tmp_path / "profile"
