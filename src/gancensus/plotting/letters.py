"""Letters in figures: which fonts draw those that the common one lacks, and what stands for those that none has."""

from __future__ import annotations

from functools import cache
from unicodedata import category

FONT = "DejaVu Sans"  # comes with Matplotlib
OTHERS = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Noto Sans JP", "Noto Sans KR", "Source Han Sans"),
    *("WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Droid Sans Fallback", "IPAGothic", "PingFang SC", "Hiragino Sans"),
    *("Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "Apple SD Gothic Neo", "Arial Unicode MS"),
    *("Noto Sans Devanagari", "Noto Sans Bengali", "Noto Sans Thai", "Nirmala UI", "Leelawadee UI"),
    *("Noto Emoji", "Symbola", "Segoe UI Symbol", "Segoe UI Emoji"),
)
"""Fonts of outlines, as systems have them; those of coloured bitmaps cannot be drawn."""
STANDS = "?"


@cache
def families() -> list[str]:
    """Return the fonts that are looked up for a letter, of those that are installed."""
    from matplotlib.font_manager import fontManager

    installed = {*fontManager.get_font_names()}
    return [FONT, *(name for name in OTHERS if name in installed)]


def drawable(text: str) -> str:
    """Return a text with ? for each letter that no font has; marks on it, and joiners, are left out with it."""
    if text.isascii():
        return text
    return "".join(
        letter if _has(letter) else "" if category(letter) in ("Mn", "Me", "Cf") else STANDS for letter in text
    )


def _has(letter: str) -> bool:
    """Say whether a font draws a letter; ends of lines are none."""
    return letter == "\n" or any(ord(letter) in _letters(name) for name in families())


@cache
def _letters(name: str) -> frozenset[int]:
    """Return the letters that a font has."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(get_font(findfont(FontProperties(family=name))).get_charmap())
