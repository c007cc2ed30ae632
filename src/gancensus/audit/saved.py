"""What an audit in memory has found, as the files that the workflow would have written, and its report."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from gancensus.audit.memory import Run
from gancensus.config import results
from gancensus.config.pipeline import located
from gancensus.report.page import page
from gancensus.report.provenance import provenance
from gancensus.report.study_figures import Results, draw_figures
from gancensus.storage.models import write_model
from gancensus.storage.tables import write_bytes, write_whole
from gancensus.training.loop import architecture


def save(run: Run, folder: Path) -> None:
    """Write tables, models and provenance into a folder of results.

    Raises UserError where it cannot be written.
    """
    _write(run, folder)
    content = _provenance(run, folder)
    write_bytes(folder / results.PROVENANCE, json.dumps(content, indent=2).encode() + b"\n")


def write_report(run: Run, path: Path) -> None:
    """Draw the figures and write the page. Raises UserError where that cannot be written."""
    with tempfile.TemporaryDirectory(prefix="gancensus-") as temporary:
        folder = Path(temporary)
        _write(run, folder)
        draw_figures(Results(run.study, run.name, folder, 1), lambda error: None)
        template = located("workflow/report/report.html.j2").read_text(encoding="utf-8")
        write_bytes(path, page(folder, _provenance(run, folder), template).encode())


def _write(run: Run, folder: Path) -> None:
    """Write tables and models."""
    for place, table in run.tables.items():
        write_whole(folder / place, table)
    for place, held in run.held.items():
        held.write(folder / place)
    for place, text in run.lists.items():
        write_bytes(folder / place, text.encode())
    for name, weights in run.weights.items():
        encoder, shape = run.study.encoders[name].concerning(None), run.samples[run.study.real[0]].whole().shape
        write_model(folder / run.place(results.ENCODER, encoder=name), weights, architecture(encoder, shape))


def _provenance(run: Run, folder: Path) -> dict[str, object]:
    """Return what is known about the files in the folder."""
    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    files = [file for file in files if file != results.PROVENANCE]
    return provenance(run.configuration, folder, files, located("workflow").parent)
