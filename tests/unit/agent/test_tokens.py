from __future__ import annotations

import pytest

from agent.tokens import TokenManager
from orchestrator.api.errors import ServiceUnavailable
from orchestrator.api.meta import Object
from orchestrator.api.request import Request
from orchestrator.api.times import rfc3339
from orchestrator.client.client import Client
from orchestrator.util.clock import FakeClock
from tests.fakes.store_api import FakeApi


class TokenApi(FakeApi):
    """Answers TokenRequests, with a number for each."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self._clock = clock
        self._made = 0

    def call(self, request: Request) -> Object:
        if request.subresource != "token":
            return super().call(request)
        self.requests.append(request)
        if self.failure is not None:
            raise self.failure
        self._made += 1
        expires = rfc3339(self._clock.now() + request.body["spec"]["expirationSeconds"])
        return {"status": {"token": f"token-{self._made}", "expirationTimestamp": expires}}


POD = {"metadata": {"name": "web", "namespace": "shop", "uid": "7"}, "spec": {"serviceAccountName": "ci"}}


@pytest.fixture
def api(clock: FakeClock) -> TokenApi:
    return TokenApi(clock)


@pytest.fixture
def tokens(api: TokenApi, clock: FakeClock) -> TokenManager:
    return TokenManager(Client(api), clock)


def test_what_is_asked_for(api: TokenApi, tokens: TokenManager) -> None:
    assert tokens(POD, "vault", 3600) == "token-1"
    [request] = api.requests
    assert (request.namespace, request.name, request.subresource) == ("shop", "ci", "token")
    bound = {"apiVersion": "v1", "kind": "Pod", "name": "web", "uid": "7"}
    assert request.body["spec"] == {"audiences": ["vault"], "expirationSeconds": 3600, "boundObjectRef": bound}


def test_kept_until_a_fifth_of_its_life_is_left(clock: FakeClock, tokens: TokenManager) -> None:
    assert tokens(POD, "", 1000) == "token-1"
    clock.advance(799)
    assert tokens(POD, "", 1000) == "token-1"
    clock.advance(2)
    assert tokens(POD, "", 1000) == "token-2"


def test_none_grows_older_than_a_day(clock: FakeClock, tokens: TokenManager) -> None:
    tokens(POD, "", 10 * 24 * 3600)
    clock.advance(24 * 3600 + 1)
    assert tokens(POD, "", 10 * 24 * 3600) == "token-2"


def test_each_pod_and_audience_has_its_own(tokens: TokenManager) -> None:
    other = {**POD, "metadata": {**POD["metadata"], "uid": "8"}}
    assert [tokens(POD, "", 600), tokens(POD, "vault", 600), tokens(other, "", 600)] == [
        "token-1",
        "token-2",
        "token-3",
    ]


def test_while_the_api_is_away_the_old_one_must_do(api: TokenApi, clock: FakeClock, tokens: TokenManager) -> None:
    api.failure = ServiceUnavailable("away")
    with pytest.raises(ServiceUnavailable):
        tokens(POD, "", 1000)
    api.failure = None
    tokens(POD, "", 1000)
    api.failure = ServiceUnavailable("away")
    clock.advance(900)
    assert tokens(POD, "", 1000) == "token-1"
    clock.advance(101)
    with pytest.raises(ServiceUnavailable):
        tokens(POD, "", 1000)
