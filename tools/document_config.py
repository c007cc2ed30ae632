#!/usr/bin/env python
"""Write the schema of the configuration and config/README.md from the models."""

from pathlib import Path

from gancensus.config.reference import readme, schema

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Write both files."""
    (ROOT / "workflow/schemas/config.schema.json").write_text(schema())
    (ROOT / "config/README.md").write_text(readme())


main()
