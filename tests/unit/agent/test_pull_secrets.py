from __future__ import annotations

import base64
import json

import pytest

from agent.pull_secrets import auths
from agent.runtime.base import RegistryAuth
from orchestrator.api.meta import Object


def secret(entries: Object) -> Object:
    config = json.dumps({"auths": entries}).encode()
    return {"data": {".dockerconfigjson": base64.b64encode(config).decode()}}


def login(user: str) -> Object:
    return {"username": user, "password": "pw"}


@pytest.mark.parametrize(
    ("entry", "image", "matches"),
    [
        ("ghcr.io", "ghcr.io/a/b", True),
        ("https://ghcr.io/v2/", "ghcr.io/a/b", True),
        ("ghcr.io/a", "ghcr.io/a/b", True),
        ("ghcr.io/a", "ghcr.io/ab", False),
        ("ghcr.io", "quay.io/a", False),
        ("*.example.com", "r.example.com/a", True),
        ("https://index.docker.io/v1/", "nginx", True),
        ("docker.io", "me/web:1", True),
        ("localhost:5001", "localhost:5001/web", True),
        ("localhost", "localhost:5001/web", False),
    ],
)
def test_which_entry_is_for_which_image(entry: str, image: str, matches: bool) -> None:
    assert auths(image, [secret({entry: login("me")})]) == ((RegistryAuth("me", "pw"),) if matches else ())


def test_the_longest_path_comes_first() -> None:
    found = auths(
        "ghcr.io/a/b", [secret({"ghcr.io": login("all"), "ghcr.io/a": login("a")}), secret({"ghcr.io": login("all")})]
    )
    assert [auth.username for auth in found] == ["a", "all"]


def test_the_encoded_form_and_the_old_file() -> None:
    encoded = {"ghcr.io": {"auth": base64.b64encode(b"me:p:w").decode()}}
    old = {"data": {".dockercfg": base64.b64encode(json.dumps(encoded).encode()).decode()}}
    assert auths("ghcr.io/a", [secret(encoded)]) == auths("ghcr.io/a", [old]) == (RegistryAuth("me", "p:w"),)


def test_what_cannot_be_read_is_left_out() -> None:
    broken = {"data": {".dockerconfigjson": "bm8ganNvbg=="}}
    assert auths("ghcr.io/a", [broken, {"data": {}}, {}, secret({"ghcr.io": {"auth": "!"}})]) == ()
