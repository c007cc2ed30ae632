"""Tests on a real cluster use the runs of the tests of the workflow."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "workflow"))
