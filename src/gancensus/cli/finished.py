"""The commands that read the results of finished runs: verify and compare."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from gancensus.cli import head
from gancensus.cli.head import say
from gancensus.config.pipeline import located
from gancensus.contracts.errors import UserError


def recorded(results: Path) -> dict[str, Any]:
    """Return what is recorded of finished results; raises UserError for any others."""
    from gancensus.report import provenance

    if head.alive(results / head.HEAD):
        raise UserError(f"{results}: a run is writing there; wait for its end")
    return provenance.recorded(results)


def verify(args: argparse.Namespace) -> int:
    """Check the files of a results folder, and some pairs by brute force; return 1 where something is wrong."""
    facts = recorded(args.run)
    from gancensus.report.verify import verify

    seed = time.time_ns() // 1_000_000 % 1_000_000 if args.seed is None else args.seed
    template = located("workflow/report/report.html.j2").read_text(encoding="utf-8")
    faults = 0
    for check in verify(args.run, facts, template, located("scripts").parent, seed, say):
        print(f"{check.name:8}{'wrong' if check.wrong else 'ok':7}{check.said}", flush=True)
        for line in (*check.wrong, *check.aside):
            print(f"  {line}")
        faults += len(check.wrong)
    print(f"{faults} fault{'s' * (faults != 1)} found" if faults else "no faults found")
    return int(faults > 0)


def compare(args: argparse.Namespace) -> int:
    """Print what has changed between the results of two runs; return 0."""
    both = [recorded(args.before), recorded(args.after)]
    from gancensus.cli.changes import text
    from gancensus.report.compare import compare, read_run

    found = compare(*(read_run(place, facts) for place, facts in zip((args.before, args.after), both, strict=True)))
    print(json.dumps(found.as_json(), indent=2, ensure_ascii=False) if args.json else text(found))
    return 0
