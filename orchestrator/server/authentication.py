"""Who asks: by client certificate, or by bearer token."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.api.errors import Forbidden, Unauthorized
from orchestrator.api.request import User
from orchestrator.server.connection import connection

AUTHENTICATED = "system:authenticated"
_BEARER = "bearer "


class TokensDamaged(ValueError):
    """The token file cannot be used; the message says which line and why."""


class Authenticator:
    """Bearer tokens stand in `tokens.csv`: `token,user,uid,"group1,group2"` a line, the groups optional."""

    def __init__(self, tokens: Mapping[str, User]) -> None:
        #: By digest, so that the time a look-up takes tells nothing of a token.
        self._users = {_digest(token): user for token, user in tokens.items()}

    def user(self, environ: Mapping[str, Any]) -> User:
        """A certificate counts before a token. Raises Unauthorized, Forbidden."""
        user = connection(environ).certificate_user or self._token_user(environ.get("HTTP_AUTHORIZATION", ""))
        if user is None:
            raise Unauthorized("Unauthorized")
        if "HTTP_IMPERSONATE_USER" in environ:
            raise Forbidden(f"user {user.name} cannot impersonate others: impersonation is not supported")
        return user if AUTHENTICATED in user.groups else replace(user, groups=(*user.groups, AUTHENTICATED))

    def _token_user(self, header: str) -> User | None:
        if not header.lower().startswith(_BEARER):
            return None
        return self._users.get(_digest(header[len(_BEARER) :].strip()))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def read_tokens(file: Path) -> dict[str, User]:
    """Token -> user; none when there is no file. Raises TokensDamaged, OSError."""
    if not file.exists():
        return {}
    tokens: dict[str, User] = {}
    with file.open(newline="") as lines:
        for number, row in enumerate(csv.reader(lines), 1):
            if not row or row[0].startswith("#"):
                continue
            if len(row) < 3 or not row[0] or not row[1]:
                raise TokensDamaged(f'{file}, line {number}: expected token,user,uid[,"group1,group2"]')
            groups = tuple(group.strip() for group in row[3].split(",") if group.strip()) if len(row) > 3 else ()
            tokens[row[0]] = User(row[1], groups, row[2])
    return tokens
