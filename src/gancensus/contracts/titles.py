"""What users call their generators: any text, as long as it can be printed on a line and cannot be mistaken."""

from __future__ import annotations

import unicodedata

from pydantic_core import PydanticCustomError

from gancensus.contracts.samples import REAL

OTHERS = ("real", *REAL)  # what tables call the real samples
BIDIRECTIONAL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}  # categories of Unicode: control characters, halves of characters, line breaks


def check_title(title: str) -> str:
    """Return a title as it is shown; raises ValueError for one that a line of text cannot hold, and for reserved ones.

    A character that turns the direction of writing would turn the numbers beside the title, too.
    """
    title = title.strip()
    if not title:
        raise PydanticCustomError("title", "is empty; leave it out, or say what the generator is called")
    for character in title:
        if unicodedata.category(character) in UNPRINTABLE or character in BIDIRECTIONAL:
            text = "has a character that cannot be printed on a line: {found}"
            raise PydanticCustomError("title", text, {"found": ascii(character)})
    if title in OTHERS:
        text = "'{title}' is what tables call real samples; choose another"
        raise PydanticCustomError("title", text, {"title": title})
    return title
