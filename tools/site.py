"""What the site needs beside docs/: pages that lie elsewhere in the repository, and links to files that are no pages.

MkDocs calls these functions (`hooks` in mkdocs.yml).
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
ELSEWHERE = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "config/README.md")  # pages outside docs/
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:)([^)#\s]*)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie elsewhere."""
    for name in ELSEWHERE:
        files.append(File.generated(config, name, content=(ROOT / name).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links to where the site has the page; of those to other files of the repository leave the text."""
    here = page.file.src_uri
    folder = posixpath.dirname(here if here in ELSEWHERE else f"docs/{here}")

    def link(found: re.Match[str]) -> str:
        image, text, target, anchor = found.group(1), found.group(2), found.group(3), found.group(4) or ""
        if not target:
            return found[0]
        place = posixpath.normpath(posixpath.join(folder, target))
        there = place.removeprefix("docs/") if place.startswith("docs/") else place
        if files.get_file_from_path(there) is None:
            return f"`{place}`" if image else text
        return f"{image}[{text}]({posixpath.relpath(there, posixpath.dirname(here) or '.')}{anchor})"

    return LINK.sub(link, markdown)
