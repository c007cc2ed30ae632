"""What jobs ask of a machine."""

from pathlib import Path

import pytest
import yaml
from runs import ROOT, STUDY
from snakemake.api import ConfigSettings, OutputSettings, ResourceSettings, SnakemakeApi
from snakemake.settings.types import Quietness

WORKING = {  # what is cut into parts and shards of minutes, or is one training; all else travels in groups
    "answers",  # of one population each
    *("prepare", "fit_encoder", "embed", "select", "train", "generate", "thresholds", "pairs", "draw_smoke"),
    "pairs_real",  # with one shard alone
}


def planned(folder: Path, monkeypatch: pytest.MonkeyPatch, shards: int, device: str) -> dict[str, set[int]]:
    """The GPUs that the jobs of each rule ask for."""
    (folder / "my.yaml").write_text(yaml.safe_dump(STUDY | {"device": device, "shards": shards}))
    monkeypatch.chdir(folder)
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(configfiles=[folder / "my.yaml"]),
            snakefile=ROOT / "workflow/Snakefile",
            workdir=folder,
        )
        workflow.dag().printrulegraph()  # there is no public way to plan only
        found: dict[str, set[int]] = {}
        for job in workflow._workflow.dag.jobs:
            found.setdefault(job.rule.name, set()).add(job.resources.get("gpu", 0))
    return found


@pytest.mark.parametrize(("device", "gpus", "shards"), [("cpu", 0, 2), ("cuda", 1, 2), ("cuda", 1, 1)])
def test_what_runs_on_a_gpu_asks_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, gpus: int, shards: int
) -> None:
    on_gpu = WORKING - {"prepare", "select", "draw_smoke"}
    for rule, asked in planned(tmp_path, monkeypatch, shards, device).items():
        assert asked == {gpus if rule in on_gpu else 0}, rule


@pytest.mark.parametrize(("shards", "without"), [(2, "pairs_real"), (1, "merge_pairs")])
def test_what_takes_seconds_travels_in_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shards: int, without: str
) -> None:
    groups = yaml.safe_load((ROOT / "workflow/profiles/slurm/config.yaml").read_text())["groups"]
    assert {*groups, *WORKING} - {without} == planned(tmp_path, monkeypatch, shards, "cpu").keys() - {"all"}
    assert WORKING.isdisjoint(groups)
