"""An HTML page that is to need nothing else, and what holds for any such page."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

VOID = {"meta", "link", "path", "circle", "input", "br", "use"}
FETCHES = ("src", "href", "xlink:href", "action", "data", "poster", "srcset")


@dataclass
class Page(HTMLParser):
    """Every tag of a page, and whether tags close in the order in which they open."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    words: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.ids += [value or "" for key, value in attrs if key == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def sound_page(path: Path) -> tuple[str, Page]:
    """The page, after every check that holds for any page."""
    text = path.read_text("utf-8")
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    for _, attributes in page.tags:
        for key in FETCHES:
            value = attributes.get(key) or "#"
            assert value.startswith(("#", "data:")), value
    assert not re.search(r"@import|https?:|url\((?!#)", text)
    for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        root = ElementTree.fromstring(svg)
        assert root.get("aria-label") or root.get("aria-hidden")
        ids = {element.get("id") for element in root.iter()}
        assert set(re.findall(r'(?:url\(|href=")#([^)"]+)', svg)) <= ids
        assert not re.search(r"#0000[01]", svg), "a colour stayed a stand-in"
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    return text, page
