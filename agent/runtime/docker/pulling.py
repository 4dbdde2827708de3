"""Pulls by the engine, which end: with the image, with the registry's refusal, or when nothing more comes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import docker
import orjson
import requests
from docker.auth import encode_header
from urllib3.exceptions import ReadTimeoutError

from agent.runtime.base import EngineUnreachable, PullFailed, RegistryAuth, RegistryUnavailable
from agent.runtime.docker.credentials import encoded
from agent.runtime.docker.failures import checked, translated
from agent.runtime.docker.streams import lines

_CONNECT_TIMEOUT = 10.0
#: How the engine tells that a registry is not there, or not now; all else is the registry's considered answer.
_UNAVAILABLE = re.compile(
    r"connection refused|connection reset|no such host|server misbehaving|no route to host|network is unreachable"
    r"|i/o timeout|TLS handshake timeout|Client\.Timeout|request canceled|unexpected EOF|: EOF"
    r"|HTTP (?:status: )?50[234]\b"
)


def begin(
    client: docker.APIClient, repository: str, tag: str, auth: RegistryAuth | None, platform: str, deadline: float
) -> Iterator[Mapping[str, Any]]:
    """The engine's messages about the pull. `deadline` is in seconds between two of them.

    The SDK's own `pull` waits for ever. To leave the iteration ends the pull, as the engine notices the hang-up.
    """
    answer = checked(
        client.post(
            f"{client.base_url}/v{client.api_version}/images/create",
            params={"fromImage": repository, "tag": tag} | ({"platform": platform} if platform else {}),
            headers={"X-Registry-Auth": encode_header(encoded(auth)).decode()},
            stream=True,
            timeout=(_CONNECT_TIMEOUT, deadline),
        )
    )
    with answer:
        for line in lines(answer.iter_content(None)):
            yield orjson.loads(line)


@contextmanager
def explained(deadline: float) -> Iterator[None]:
    """Raise PullFailed, or RegistryUnavailable, for what the engine says; EngineUnreachable when it says nothing."""
    try:
        with translated(PullFailed, PullFailed):
            yield
    except PullFailed as failure:
        if _UNAVAILABLE.search(str(failure)):
            raise RegistryUnavailable(str(failure)) from failure
        raise
    except EngineUnreachable as error:
        if _stalled(error.__cause__):
            raise PullFailed(f"no progress for {deadline:g} s: the pull was given up") from error
        raise


def _stalled(error: BaseException | None) -> bool:
    """Between two messages requests wraps urllib3's timeout in an error of another name."""
    return isinstance(error, requests.ReadTimeout) or (
        isinstance(error, requests.ConnectionError) and any(isinstance(arg, ReadTimeoutError) for arg in error.args)
    )
