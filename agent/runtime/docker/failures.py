"""The engine's refusals as the contract's exceptions, with the engine's own message."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import requests
from docker.errors import APIError, DockerException, create_api_error_from_http_exception
from urllib3.exceptions import HTTPError

from agent.runtime.base import EngineUnreachable, NameInUse, NoSuchContainer, RuntimeFailure

_IN_USE = re.compile(r'is already in use by container "?([0-9a-f]+)')


@contextmanager
def translated(
    missing: type[RuntimeFailure] = RuntimeFailure, refused: type[RuntimeFailure] = RuntimeFailure
) -> Iterator[None]:
    """Raise the contract's exceptions for the SDK's: `missing` for the engine's 404, `refused` for its other errors."""
    try:
        yield
    except APIError as error:
        raise _refusal(error, missing, refused) from error
    except requests.Timeout as error:
        raise EngineUnreachable(f"Docker Engine does not answer in time: {error}") from error
    except (requests.RequestException, HTTPError, OSError) as error:
        raise EngineUnreachable(f"Docker Engine cannot be reached: {cause(error)}") from error
    except DockerException as error:
        # The SDK's own refusals: no API version, no credentials.
        raise refused(cause(error)) from error


@contextmanager
def or_done(*phrases: str) -> Iterator[None]:
    """Success also when the thing is gone, or when the engine refuses with one of `phrases`."""
    try:
        with translated(NoSuchContainer):
            yield
    except NoSuchContainer:
        return
    except RuntimeFailure as failure:
        if not any(phrase in str(failure) for phrase in phrases):
            raise


def checked(answer: requests.Response) -> requests.Response:
    """The answer, or the SDK's APIError that it stands for."""
    try:
        answer.raise_for_status()
    except requests.HTTPError as error:
        create_api_error_from_http_exception(error)
    return answer


def _refusal(error: APIError, missing: type[RuntimeFailure], refused: type[RuntimeFailure]) -> RuntimeFailure:
    message = str(error.explanation or error).strip()
    if error.status_code == 404:
        return missing(message)
    if found := _IN_USE.search(message):
        return NameInUse(message, found.group(1))
    return refused(message)


def as_missing_container(failure: RuntimeFailure) -> RuntimeFailure:
    """A start answers 404 also for other things that are missing: a command, a mount's source."""
    return NoSuchContainer(str(failure)) if "no such container" in str(failure).lower() else failure


def cause(error: BaseException) -> str:
    """The operating system's reason at the bottom of a chain of wrapped errors, else the error's own text."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        wrapped = next((arg for arg in seen.args if isinstance(arg, BaseException)), None)
        seen = wrapped or seen.__cause__ or seen.__context__
    return str(error)
