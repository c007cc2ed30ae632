"""Tables in memory."""

from collections.abc import Mapping
from typing import Any

Columns = Mapping[str, Any]
"""The columns of a table by name: arrays or sequences of one length."""
