"""What `python -m gancensus.cli` runs."""

from gancensus.cli.main import main

main()
