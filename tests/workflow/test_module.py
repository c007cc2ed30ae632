"""Another workflow can use gancensus as a module."""

import subprocess
import sys
from pathlib import Path

import yaml
from runs import STUDY

SNAKEFILE = """
from gancensus.config.pipeline import located

configfile: "mine.yaml"

module gancensus:
    snakefile: str(located("workflow/Snakefile"))
    config: config["gancensus"]
    pathvars:
        results="out/census",

use rule * from gancensus as gancensus_*

rule mine:
    input: "out/census/smoke/samples/train/0.parquet"
    output: "mine.txt"
    default_target: True
    shell: "touch {output}"
"""


def test_as_a_module_with_its_own_results(tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"gancensus": STUDY}))
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "mine.txt").exists()
    assert (tmp_path / "out/census/logs/smoke/prepare/0.log").exists()
    plan = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", "-n", "gancensus_all"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert plan.returncode == 0, plan.stderr
    assert "gancensus_census" in plan.stdout
