from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.api.errors import Unauthorized
from orchestrator.api.request import User
from orchestrator.server.authentication import Authenticator, TokensDamaged, read_tokens
from orchestrator.server.connection import ENVIRON_KEY
from orchestrator.server.security import security
from orchestrator.store.memory import MemoryStore
from orchestrator.util.clock import FakeClock
from orchestrator.util.settings import Settings


@dataclass
class Client:
    certificate_user: User | None = None


def asks(authorization: str = "", certificate: User | None = None) -> dict[str, object]:
    return {ENVIRON_KEY: Client(certificate), "HTTP_AUTHORIZATION": authorization}


STORE = MemoryStore(FakeClock())
SECURITY = security(STORE, Settings(home=Path("/nonexistent")), FakeClock(), {"s3cret": User("jane", ("dev",))})
AUTHENTICATOR = Authenticator(SECURITY.bearers)


def test_a_token() -> None:
    user = AUTHENTICATOR.user(asks("Bearer s3cret"))
    assert user == User("jane", ("dev", "system:authenticated"))
    assert AUTHENTICATOR.user(asks("bearer  s3cret ")) == user


def test_a_certificate_counts_first() -> None:
    assert AUTHENTICATOR.user(asks("Bearer s3cret", User("node", ("nodes",)))).name == "node"


def test_nobody_in_particular() -> None:
    assert AUTHENTICATOR.user(asks()) == User("system:anonymous", ("system:unauthenticated",))


@pytest.mark.parametrize("header", ["Bearer ", "Bearer wrong", "Bearer a.b.c", "Basic s3cret", "s3cret"])
def test_strangers(header: str) -> None:
    """Who says who he is, and is not, is not served as nobody in particular."""
    with pytest.raises(Unauthorized):
        AUTHENTICATOR.user(asks(header))


def test_the_token_file(tmp_path: Path) -> None:
    file = tmp_path / "tokens.csv"
    assert read_tokens(file) == {}
    file.write_text('# who is who\nt1,jane,42,"dev, ops"\n\nt2,joe,43\n')
    assert read_tokens(file) == {"t1": User("jane", ("dev", "ops"), "42"), "t2": User("joe", (), "43")}


@pytest.mark.parametrize("line", ["only-a-token", "t,,1", ",jane,1"])
def test_a_damaged_token_file(tmp_path: Path, line: str) -> None:
    file = tmp_path / "tokens.csv"
    file.write_text(f"t1,jane,42\n{line}\n")
    with pytest.raises(TokensDamaged, match="line 2: expected token,user,uid"):
        read_tokens(file)
