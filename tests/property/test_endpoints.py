"""Every endpoint of the OpenAPI documents, asked in every wrong way: the answer is never the server's fault.

By hand for longer: PODLAB_FUZZ=200 (requests an operation), PODLAB_FUZZ_SEED=1.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

from orchestrator.api.request import User
from orchestrator.server.connection import ENVIRON_KEY
from tests.fakes.api import ADMIN, live_api
from tests.fakes.fuzz import FuzzedRequest, Fuzzer, operations

#: Requests an operation, and the seed of all.
EACH = int(os.environ.get("PODLAB_FUZZ", "10"))
SEED = int(os.environ.get("PODLAB_FUZZ_SEED", "0"))
#: Seconds one request may take.
LONGEST = 2.0
#: A client may ask for a version that is yet to come; that is answered as in Kubernetes.
TOO_NEW = "Too large resource version"


class Connected:
    """The connection of a client that is known by its certificate."""

    certificate_user: User | None = ADMIN
    broken = False
    socket = None

    def detached(self) -> AbstractContextManager[None]:
        return nullcontext()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    with live_api(tmp_path_factory.mktemp("home")) as (server, _):
        yield server._app.test_client()


def ask(client: FlaskClient, request: FuzzedRequest) -> tuple[int, bytes]:
    answer = client.open(
        request.path,
        method=request.method,
        data=request.body,
        content_type=request.content_type or None,
        environ_overrides={ENVIRON_KEY: Connected()},
    )
    return answer.status_code, answer.data


def documents(client: FlaskClient) -> Iterator[dict[str, Any]]:
    paths = orjson.loads(ask(client, FuzzedRequest("GET", "/openapi/v3"))[1])["paths"]
    for document in paths.values():
        yield orjson.loads(ask(client, FuzzedRequest("GET", document["serverRelativeURL"]))[1])


def test_no_request_is_the_servers_fault(client: FlaskClient) -> None:
    codes: Counter[int] = Counter()
    failures: dict[str, str] = {}
    for document in documents(client):
        fuzzer = Fuzzer(random.Random(SEED), document["components"]["schemas"])
        for operation in operations(document):
            for _ in range(EACH):
                request = fuzzer.request(operation)
                begun = time.monotonic()
                code, body = ask(client, request)
                codes[code] += 1
                if (code >= 500 and TOO_NEW.encode() not in body) or time.monotonic() - begun > LONGEST:
                    failures.setdefault(f"{operation.method} {operation.path}", f"{request}\n  {code} {body[:300]!r}")
    assert not failures, "\n".join(failures.values())
    # Not all was refused, or nothing would have been tried.
    assert codes[200] + codes[201] > sum(codes.values()) / 20
    assert codes[422] and codes[400] and codes[404] and codes[409]
