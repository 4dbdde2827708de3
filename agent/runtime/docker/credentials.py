"""Logins to registries, as the Docker configuration of the user who runs this has them.

The file is read anew each time, so a `docker login` counts at once. Programs named `docker-credential-NAME` (in
`credHelpers` for one registry, in `credsStore` for all) give out what is not in the file: so logins to ECR, GCR and
others work, whose passwords are made when they are needed.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from typing import Any

from docker import auth
from docker.errors import DockerException

from agent.runtime.base import CredentialsFailed, RegistryAuth

#: Seconds a credential helper has; those of clouds ask over the network.
HELPER_TIMEOUT = 30.0
#: What helpers say, with exit code 1, when they just have nothing for the registry.
_NOTHING = "credentials not found"
#: The name of a user whose secret is an identity token.
_TOKEN_USER = "<token>"


def machine_auth(repository: str) -> RegistryAuth | None:
    """None when nothing is said for the registry of `repository`. Raises CredentialsFailed."""
    try:
        config = auth.load_config()
        registry, _ = auth.resolve_repository_name(repository)
    except (DockerException, ValueError) as error:
        raise CredentialsFailed(f"the Docker configuration cannot be read: {error}") from error
    helper = config.get_credential_store(registry)
    found = _ask(helper, auth.INDEX_URL if registry == auth.INDEX_NAME else registry) if helper else None
    return found or _decoded(auth.AuthConfig({"auths": config.auths}).resolve_authconfig(registry) or {})


def encoded(auth: RegistryAuth | None) -> dict[str, str]:
    """As the engine takes it, AuthConfig in its API; empty is anonymous."""
    if auth is None:
        return {}
    if auth.identity_token:
        return {"identitytoken": auth.identity_token}
    return {"username": auth.username, "password": auth.password}


def _ask(helper: str, server: str) -> RegistryAuth | None:
    """The protocol of docker-credential-helpers: the server's name in, an object as JSON out."""
    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run([program, "get"], input=server.encode(), capture_output=True, timeout=HELPER_TIMEOUT)
    except subprocess.TimeoutExpired:
        raise CredentialsFailed(f"{program} did not answer for {server} within {HELPER_TIMEOUT:g} s") from None
    except OSError as error:
        raise CredentialsFailed(f"{program} cannot be run: {error.strerror}") from error
    if done.returncode:
        said = (done.stdout.strip() or done.stderr.strip()).decode(errors="replace")
        if _NOTHING in said:
            return None
        raise CredentialsFailed(f"{program} has no login for {server}: {said or f'exit code {done.returncode}'}")
    try:
        answer = json.loads(done.stdout)
        return _login(answer["Username"], answer["Secret"])
    except (ValueError, KeyError, TypeError) as error:
        raise CredentialsFailed(f"{program} gave no login for {server} but something else") from error


def _login(username: str, secret: str) -> RegistryAuth | None:
    if username == _TOKEN_USER:
        return RegistryAuth("", "", identity_token=secret)
    return RegistryAuth(username, secret) if username or secret else None


def _decoded(entry: Mapping[str, Any]) -> RegistryAuth | None:
    """An entry of `auths`, as the SDK decoded it."""
    if entry.get("IdentityToken"):
        return RegistryAuth("", "", identity_token=str(entry["IdentityToken"]))
    return _login(entry.get("username") or "", entry.get("password") or "")
