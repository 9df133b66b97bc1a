"""Check a built site: links lead somewhere, every page is in the navigation, nothing is fetched from outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

FETCHED = {
    "script": ("src",),
    "link": ("href",),
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "iframe": ("src",),
    "object": ("data",),
    "embed": ("src",),
    "video": ("src", "poster"),
    "audio": ("src",),
    "use": ("href", "xlink:href"),
    "form": ("action",),
}
"""What a browser asks for by itself, by element and attribute."""
ASKS_OUTSIDE = ("mermaid", "md-source__repository", "glightbox", "pyodide", "data-ace")
"""Classes and attributes at which the script of the theme would ask another server for something."""
IN_STYLES = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])((?:https?:)?//[^"')\s]+)""")


@dataclass
class Page:
    """One HTML file: its identifiers, its links, what it fetches."""

    identifiers: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    navigation: set[str] = field(default_factory=set)
    fetched: list[str] = field(default_factory=list)


class Reader(HTMLParser):
    """Fills a ``Page``."""

    def __init__(self) -> None:
        super().__init__()
        self.page = Page()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element says."""
        values = {name: value or "" for name, value in attrs}
        self.page.identifiers.update(values[name] for name in ("id", "name") if name in values)
        if tag == "a" and "href" in values:
            self.page.links.append(values["href"])
            if "md-nav__link" in values.get("class", ""):
                self.page.navigation.add(values["href"])
        if tag == "link" and values.get("rel") in {"canonical", "prev", "next"}:
            return
        self.page.fetched += [values[name] for name in FETCHED.get(tag, ()) if name in values]
        self.page.fetched += IN_STYLES.findall(values.get("style", ""))
        said = f"{values.get('class', '')} {' '.join(values)}"
        self.page.fetched += [f"{tag} with {word}" for word in ASKS_OUTSIDE if word in said]


def problems(site: Path) -> list[str]:
    """
    All that is wrong with the site, one line each.

    Args:
        site: Folder with the built HTML files.
    """
    pages = {file: read(file) for file in sorted(site.rglob("*.html"))}
    start = site / "index.html"
    named = {resolve(start, link, site)[0] for link in pages[start].navigation}
    lost = [file for file in pages if file not in named and file.name != "404.html"]
    found = [f"{file.relative_to(site)} is not in the navigation" for file in lost]
    for file, page in pages.items():
        shown = file.relative_to(site)
        found += [f"{shown} asks for {address}" for address in page.fetched if outside(address)]
        inside = {
            address for address in (*page.links, *page.fetched) if not outside(address) and not urlsplit(address).scheme
        }
        found += [
            f"{shown} links to {link}, {why}" for link in sorted(inside) for why in broken(file, link, site, pages)
        ]
    for style in sorted(site.rglob("*.css")):
        found += [
            f"{style.relative_to(site)} asks for {url}" for url in IN_STYLES.findall(style.read_text(encoding="utf-8"))
        ]
    return found


def read(file: Path) -> Page:
    """Parse one HTML file."""
    reader = Reader()
    reader.feed(file.read_text(encoding="utf-8"))
    return reader.page


def outside(address: str) -> bool:
    """Whether an address leads to a server."""
    return address.startswith(("http:", "https:", "//")) or " with " in address


def resolve(file: Path, link: str, site: Path) -> tuple[Path, str]:
    """The file and the anchor that a link on ``file`` means."""
    parts = urlsplit(link)
    path = unquote(parts.path)
    base = site if path.startswith("/") else file.parent
    target = (base / path.lstrip("/")).resolve() if path else file
    return (target / "index.html" if target.is_dir() else target), unquote(parts.fragment)


def broken(file: Path, link: str, site: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """Why a link inside the site leads nowhere; nothing if it is right."""
    target, anchor = resolve(file, link, site)
    if not target.is_file():
        yield "which is not there"
    elif anchor and target in pages and anchor not in pages[target].identifiers:
        yield "and there is no such anchor"
