"""Links in what a program answers, made to lead through the API server again. Pure.

The rules are those of the transport in `k8s.io/apimachinery/pkg/util/proxy`.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit


@dataclass(frozen=True, slots=True)
class Place:
    """A request's path, taken apart: `prefix` ends with `proxy`, `rest` is the program's own ("" or `/...`)."""

    prefix: str
    rest: str
    query: str = ""

    @property
    def path(self) -> str:
        """As the client asked for it."""
        return self.prefix + self.rest

    @property
    def inner(self) -> str:
        """What the program is asked for."""
        return (self.rest or "/") + (f"?{self.query}" if self.query else "")

    @property
    def with_slash(self) -> str:
        """Where a page's relative links work."""
        return f"{self.prefix}/" + (f"?{self.query}" if self.query else "")


@dataclass(frozen=True, slots=True)
class Rewriter:
    """`hosts` are those that the program may know itself by, with port: its address, and what the client asked for."""

    place: Place
    hosts: tuple[str, ...]

    def __call__(self, link: str) -> str:
        """Relative links work as they are, and those to other hosts are not for us."""
        try:
            parts = urlsplit(link)
        except ValueError:
            return link  # no URL
        if (parts.netloc and parts.netloc not in self.hosts) or not parts.path.startswith("/"):
            return link
        path = parts.path if _within(parts.path, self.place.prefix) else self.place.prefix + parts.path
        return urlunsplit(("", "", path, parts.query, parts.fragment))


def _within(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")
