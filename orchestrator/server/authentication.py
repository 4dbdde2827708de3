"""Who asks: by client certificate, or by bearer token; anonymous without either."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.api.access import ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED
from orchestrator.api.errors import Unauthorized
from orchestrator.api.request import User
from orchestrator.server.bootstrap_tokens import BootstrapTokens
from orchestrator.server.connection import connection
from orchestrator.server.jwt import InvalidToken
from orchestrator.server.service_account_tokens import ServiceAccountTokens

_BEARER = "bearer "


class TokensDamaged(ValueError):
    """The token file cannot be used; the message says which line and why."""


class BearerTokens:
    """The tokens of people (`tokens.csv`), of nodes to come, and of service accounts."""

    def __init__(self, tokens: Mapping[str, User], bootstrap: BootstrapTokens, accounts: ServiceAccountTokens) -> None:
        #: By digest, so that the time a look-up takes tells nothing of a token.
        self._users = {_digest(token): with_implied_group(user) for token, user in tokens.items()}
        self._bootstrap, self._accounts = bootstrap, accounts

    def user(self, token: str, audiences: Sequence[str] = ()) -> User:
        """Whom the token stands for at one of `audiences` (the API server's own by default). Raises InvalidToken."""
        known = self._users.get(_digest(token)) or self._bootstrap.user(token)
        return with_implied_group(known or self._accounts.user(token, audiences))


class Authenticator:
    def __init__(self, bearers: BearerTokens) -> None:
        self._bearers = bearers

    def user(self, environ: Mapping[str, Any]) -> User:
        """A certificate counts before a token. Raises Unauthorized."""
        if (user := connection(environ).certificate_user) is not None:
            return with_implied_group(user)
        header = environ.get("HTTP_AUTHORIZATION", "")
        if not header:
            return User(ANONYMOUS, (UNAUTHENTICATED,))
        if not header.lower().startswith(_BEARER):
            raise Unauthorized("Unauthorized")
        try:
            return self._bearers.user(header[len(_BEARER) :].strip())
        except InvalidToken as error:
            raise Unauthorized("Unauthorized") from error


def with_implied_group(user: User) -> User:
    """Everybody is in the group of those who are known, or who are not."""
    implied = UNAUTHENTICATED if user.name == ANONYMOUS else AUTHENTICATED
    return user if implied in user.groups else replace(user, groups=(*user.groups, implied))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def read_tokens(file: Path) -> dict[str, User]:
    """Token -> user, from lines `token,user,uid,"group1,group2"` (the groups optional); none when there is no file.

    Raises TokensDamaged, OSError."""
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
