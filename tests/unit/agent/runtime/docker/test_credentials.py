"""The user's Docker configuration, with programs on PATH that stand for those of ECR, GCR and the like."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from agent.runtime.base import CredentialsFailed, RegistryAuth
from agent.runtime.docker import credentials
from agent.runtime.docker.credentials import encoded, machine_auth

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


class Machine:
    """A user's configuration and programs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def config(self, **fields: object) -> None:
        (self.folder / "config.json").write_text(json.dumps(fields))

    def helper(self, name: str, script: str) -> None:
        """`$server` is what it is asked for."""
        file = self.folder / f"docker-credential-{name}"
        file.write_text(f'#!/bin/sh\n[ "$1" = get ] || exit 3\nserver=$(cat)\n{script}\n')
        file.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return Machine(tmp_path)


def login(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


ANSWER = 'printf \'{"ServerURL": "%s", "Username": "AWS", "Secret": "for %s"}\' "$server" "$server"'


def test_without_a_configuration(machine: Machine) -> None:
    assert machine_auth("nginx") is None


@pytest.mark.parametrize(
    ("entry", "repository", "found"),
    [
        ("ghcr.io", "ghcr.io/a/b", True),
        ("https://ghcr.io", "ghcr.io/a/b", True),
        ("https://index.docker.io/v1/", "nginx", True),
        ("https://index.docker.io/v1/", "me/web", True),
        ("localhost:5001", "localhost:5001/web", True),
        ("ghcr.io", "quay.io/a", False),
    ],
)
def test_a_login_in_the_file(machine: Machine, entry: str, repository: str, found: bool) -> None:
    machine.config(auths={entry: login("me", "p:w")})
    assert machine_auth(repository) == (RegistryAuth("me", "p:w") if found else None)


def test_a_login_counts_at_once(machine: Machine) -> None:
    assert machine_auth("ghcr.io/a") is None
    machine.config(auths={"ghcr.io": login("me", "pw")})
    assert machine_auth("ghcr.io/a") == RegistryAuth("me", "pw")


def test_a_helper_for_one_registry(machine: Machine) -> None:
    machine.helper("ecr-login", ANSWER)
    machine.config(credHelpers={ECR: "ecr-login"}, auths={"ghcr.io": login("me", "pw")})
    assert machine_auth(f"{ECR}/web") == RegistryAuth("AWS", f"for {ECR}")
    assert machine_auth("ghcr.io/web") == RegistryAuth("me", "pw")
    assert machine_auth("nginx") is None


def test_a_store_for_all_registries(machine: Machine) -> None:
    machine.helper("desktop", ANSWER)
    machine.config(credsStore="desktop")
    assert machine_auth("gcr.io/a/b") == RegistryAuth("AWS", "for gcr.io")
    assert machine_auth("nginx") == RegistryAuth("AWS", "for https://index.docker.io/v1/")


def test_a_helper_goes_before_the_store(machine: Machine) -> None:
    machine.helper("desktop", "exit 9")
    machine.helper("gcr", ANSWER)
    machine.config(credsStore="desktop", credHelpers={"gcr.io": "gcr"})
    assert machine_auth("gcr.io/a") == RegistryAuth("AWS", "for gcr.io")


@pytest.mark.parametrize(
    "script",
    [
        "echo 'credentials not found in native keychain'; exit 1",
        """printf '{"ServerURL": "", "Username": "", "Secret": ""}'""",
    ],
)
def test_a_helper_that_has_nothing(machine: Machine, script: str) -> None:
    machine.helper("desktop", script)
    machine.config(credsStore="desktop", auths={"quay.io": login("me", "pw")})
    assert machine_auth("ghcr.io/a") is None
    assert machine_auth("quay.io/a") == RegistryAuth("me", "pw")


def test_identity_tokens(machine: Machine) -> None:
    machine.helper("acr", """printf '{"Username": "<token>", "Secret": "t0ken"}'""")
    machine.config(
        credHelpers={"mine.azurecr.io": "acr"}, auths={"other.azurecr.io": {"identitytoken": "t1", "auth": ""}}
    )
    token = machine_auth("mine.azurecr.io/web")
    assert token == RegistryAuth("", "", identity_token="t0ken")
    assert encoded(token) == {"identitytoken": "t0ken"}
    assert machine_auth("other.azurecr.io/web") == RegistryAuth("", "", identity_token="t1")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'expired token, run aws sso login'; exit 1", "expired token, run aws sso login"),
        ("exit 4", "exit code 4"),
        ("echo no json", "something else"),
        ("echo '[]'", "something else"),
        ("echo '{}'", "something else"),
        ("sleep 60", "did not answer for gcr.io within 0.2 s"),
    ],
)
def test_a_helper_that_fails(machine: Machine, monkeypatch: pytest.MonkeyPatch, script: str, message: str) -> None:
    monkeypatch.setattr(credentials, "HELPER_TIMEOUT", 0.2 if "sleep" in script else 10.0)
    machine.helper("broken", f"exec {script}" if "sleep" in script else script)
    machine.config(credHelpers={"gcr.io": "broken"})
    with pytest.raises(CredentialsFailed, match=message):
        machine_auth("gcr.io/a")


def test_a_helper_that_is_not_there(machine: Machine) -> None:
    machine.config(credsStore="nowhere")
    with pytest.raises(CredentialsFailed, match="docker-credential-nowhere cannot be run: No such file"):
        machine_auth("nginx")


@pytest.mark.parametrize("entry", [{"auth": "!!!"}, {"auth": "YQ=="}, 5])
def test_a_broken_file(machine: Machine, entry: object) -> None:
    machine.config(auths={"ghcr.io": entry})
    with pytest.raises(CredentialsFailed, match="the Docker configuration cannot be read"):
        machine_auth("ghcr.io/a")


def test_nobodys_login_is_sent_as_nothing() -> None:
    assert encoded(None) == {}
    assert encoded(RegistryAuth("me", "pw")) == {"username": "me", "password": "pw"}
