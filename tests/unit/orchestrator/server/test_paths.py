from __future__ import annotations

import pytest

from orchestrator.api.builtin import BUILTIN
from orchestrator.api.kinds import Kind
from orchestrator.api.request import Request, path
from orchestrator.server.paths import ResourcePath, parse


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("/api/v1/pods", ResourcePath("", "v1", "pods")),
        ("/api/v1/pods/", ResourcePath("", "v1", "pods")),
        ("/api/v1/namespaces", ResourcePath("", "v1", "namespaces")),
        ("/api/v1/namespaces/a", ResourcePath("", "v1", "namespaces", "", "a")),
        ("/api/v1/namespaces/a/status", ResourcePath("", "v1", "namespaces", "", "a", "status")),
        ("/api/v1/namespaces/a/finalize", ResourcePath("", "v1", "namespaces", "", "a", "finalize")),
        ("/api/v1/namespaces/a/pods", ResourcePath("", "v1", "pods", "a")),
        ("/api/v1/namespaces/a/pods/b", ResourcePath("", "v1", "pods", "a", "b")),
        ("/api/v1/namespaces/a/pods/b/log", ResourcePath("", "v1", "pods", "a", "b", "log")),
        ("/apis/apps/v1/deployments", ResourcePath("apps", "v1", "deployments")),
        (
            "/apis/apps/v1/namespaces/a/deployments/b/scale",
            ResourcePath("apps", "v1", "deployments", "a", "b", "scale"),
        ),
        ("/", None),
        ("/api", None),
        ("/api/v1", None),
        ("/apis/apps/v1", None),
        ("/version", None),
        ("/openapi/v3/apis/apps/v1", None),
        ("/api/v1//pods", None),
        ("/api/v1/namespaces/a/pods/b/log/more", None),
    ],
)
def test_parse(text: str, parsed: ResourcePath | None) -> None:
    assert parse(text) == parsed


@pytest.mark.parametrize("kind", list(BUILTIN), ids=lambda kind: kind.plural)
def test_what_the_client_asks_for_is_understood(kind: Kind) -> None:
    request = Request("get", kind, "ns" if kind.namespaced else "", "x", "status")
    parsed = parse(path(request))
    assert parsed is not None
    assert BUILTIN.by_path(parsed.group, parsed.version, parsed.plural) is kind
    assert (parsed.namespace, parsed.name, parsed.subresource) == (request.namespace, "x", "status")
