"""Where the workflow and its steps are: beside src/ in a clone, inside the package when installed from a wheel."""

from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def located(name: str) -> Path:
    """Return the absolute path of a part of the pipeline, such as workflow/Snakefile or scripts."""
    installed = PACKAGE / "pipeline"
    return (installed if installed.is_dir() else PACKAGE.parents[1]) / name
