"""get and list."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from orchestrator.api.errors import BadRequest, Expired, Timeout
from orchestrator.api.request import Request, User
from orchestrator.server.backend import Backend
from orchestrator.server.conversion import shown
from orchestrator.server.list_options import check_list
from orchestrator.server.options import MAX_DIGITS, integer
from orchestrator.server.results import Listing, Single
from orchestrator.server.selection import Selection, selection
from orchestrator.store.base import Compacted, Entry, FutureRevision, Page


def get(backend: Backend, request: Request, _user: User) -> Single:
    return Single(backend.entry(request.kind, request.namespace, request.name).data)


@dataclass(frozen=True, slots=True)
class Start:
    """Where a list begins: after key `after`, as of `revision` (0 for the newest)."""

    revision: int = 0
    after: str = ""


def list_objects(backend: Backend, request: Request, _user: User) -> Listing:
    """A list, or a page of one. Raises BadRequest, Expired, Timeout."""
    chosen = selection(request.kind, request.options)
    limit = integer(request.options, "limit")
    start = _start(request.options, backend.store.revision)
    prefix = chosen.prefix(request.namespace)
    found: list[Entry] = []
    while True:
        page = _page(backend, prefix, limit, start)
        found += _matching(chosen, page)
        if not page.remaining or len(found) >= limit:
            return _listing(request, found, limit, page, counted=chosen.everything)
        start = Start(page.revision, page.entries[-1].key)


def _page(backend: Backend, prefix: str, limit: int, start: Start) -> Page:
    try:
        return backend.store.list(prefix, limit=limit, after=start.after, revision=start.revision)
    except Compacted as error:
        if not start.after:
            raise Expired(
                f"The resourceVersion for the provided list is too old: the oldest is {error.oldest}."
            ) from None
        raise Expired(
            "The provided continue parameter is too old to display a consistent list result. List again without it, or "
            "go on with the continue token in this response: then what was written since the list began may show up "
            "in the rest of it, and what was deleted may be missing.",
            continue_token=_token(Start(after=start.after)),
        ) from None
    except FutureRevision:
        raise too_large(start.revision, backend.store.revision) from None


def _matching(chosen: Selection, page: Page) -> list[Entry]:
    entries = [shown(chosen.kind, entry) for entry in page.entries]
    if chosen.everything:
        return entries
    return [entry for entry in entries if chosen.matches(entry.object())]


def _listing(request: Request, found: list[Entry], limit: int, page: Page, *, counted: bool) -> Listing:
    shown = found[:limit] if limit else found
    surplus = len(found) - len(shown)
    if not page.remaining and not surplus:
        return Listing(request.kind, shown, page.revision)
    token = _token(Start(page.revision, shown[-1].key))
    return Listing(request.kind, shown, page.revision, token, page.remaining if counted else None)


def _start(options: Mapping[str, str], newest: int) -> Start:
    """What `continue`, `resourceVersion` and `resourceVersionMatch` ask for."""
    check_list(options)
    match, version = options.get("resourceVersionMatch", ""), options.get("resourceVersion", "")
    if token := options.get("continue", ""):
        if version not in ("", "0"):
            raise BadRequest("specifying resource version is not allowed when using continue")
        return _from_token(token, newest)
    revision = parse_version(version)
    if match == "Exact" or (not match and revision and integer(options, "limit")):
        return Start(revision)
    if revision > newest:
        raise too_large(revision, newest)
    return Start()


def parse_version(text: str) -> int:
    """A resourceVersion as the store's revision; 0 for none. Raises BadRequest."""
    if text and not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        raise BadRequest(f"resourceVersion: {text!r} is no resource version of this server")
    return int(text or 0)


def too_large(asked: int, newest: int) -> Timeout:
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return Timeout(
        f"Too large resource version: {asked}, current: {newest}",
        details={"causes": [cause], "retryAfterSeconds": 1},
    )


def _token(start: Start) -> str:
    return base64.urlsafe_b64encode(orjson.dumps({"rv": start.revision, "after": start.after})).decode().rstrip("=")


def _from_token(token: str, newest: int) -> Start:
    """Raises BadRequest for a token that this server has not given."""
    try:
        value = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        start = Start(int(value["rv"]), str(value["after"]))
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError):
        start = Start(-1)
    if not 0 <= start.revision <= newest or not start.after:
        raise BadRequest("continue key is not valid: list again without it")
    return start
