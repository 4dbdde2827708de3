from __future__ import annotations

import docker
import pytest
import requests
from docker.errors import APIError

from agent.runtime.base import EngineUnreachable, NameInUse, NoSuchContainer, NoSuchImage, RuntimeFailure
from agent.runtime.docker.failures import or_done, translated


def api_error(code: int, message: str) -> APIError:
    answer = requests.Response()
    answer.status_code = code
    return APIError("decorated", response=answer, explanation=message)


def refused_connection() -> requests.ConnectionError:
    inner = PermissionError(13, "Permission denied")
    return requests.ConnectionError(requests.packages.urllib3.exceptions.ProtocolError("Connection aborted.", inner))


@pytest.mark.parametrize(
    ("error", "expected", "text"),
    [
        (api_error(404, "No such image: a"), NoSuchImage, "No such image: a"),
        (api_error(500, "disk full"), RuntimeFailure, "disk full"),
        (requests.ReadTimeout("60 s"), EngineUnreachable, "does not answer in time"),
        (refused_connection(), EngineUnreachable, "Permission denied"),
        (docker.errors.DockerException("no credentials"), RuntimeFailure, "no credentials"),
        (ConnectionResetError(104, "Connection reset by peer"), EngineUnreachable, "Connection reset by peer"),
    ],
)
def test_the_contracts_errors(error: Exception, expected: type[RuntimeFailure], text: str) -> None:
    with pytest.raises(RuntimeFailure) as raised, translated(NoSuchImage):
        raise error
    assert type(raised.value) is expected
    assert text in str(raised.value)


def test_a_taken_name_tells_by_whom() -> None:
    message = 'Conflict. The container name "/a" is already in use by container "0123abcd". You have to remove it.'
    with pytest.raises(NameInUse) as raised, translated():
        raise api_error(409, message)
    assert raised.value.id == "0123abcd"


def test_what_is_done_already_is_a_success() -> None:
    with or_done("is not running"):
        raise api_error(404, "No such container: a")
    with or_done("is not running"):
        raise api_error(409, "Container a is not running")
    with pytest.raises(RuntimeFailure, match="busy"), or_done("is not running"):
        raise api_error(500, "busy")
    assert issubclass(NoSuchContainer, RuntimeFailure)
