"""The tutorial of the cluster works as it stands, once the profile is filled in."""

from pathlib import Path

from cluster import Cluster
from tutorials import follow


def test_cluster(cluster: Cluster, profile: Path, tmp_path: Path) -> None:
    def fill_in(folder: Path) -> None:
        if (folder / "my-cluster").is_dir():
            (folder / "my-cluster/config.yaml").write_bytes((profile / "config.yaml").read_bytes())

    said = follow("tutorial-cluster", tmp_path / "w", fill_in)
    assert any("grep" in command and "account" in text for command, text in said.items())
    (census,) = [text for command, text in said.items() if command.startswith("gancensus slurm")]
    assert "gan-1" in census
    assert {"node1", "node2"} >= {*list(said.values())[-1].split()} >= {"node1"}
