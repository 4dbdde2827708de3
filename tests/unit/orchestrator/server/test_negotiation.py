from __future__ import annotations

import pytest

from orchestrator.api.errors import NotAcceptable
from orchestrator.server.negotiation import Wanted, negotiate

TABLE = ("Table", "v1", "meta.k8s.io")
KUBECTL_GET = (
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
)


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", Wanted()),
        ("*/*", Wanted()),
        ("application/json", Wanted()),
        ("application/yaml", Wanted("application/yaml")),
        ("application/vnd.kubernetes.protobuf,application/json", Wanted()),
        ("application/vnd.kubernetes.protobuf", Wanted()),
        (KUBECTL_GET, Wanted("application/json", *TABLE)),
        ("application/json;as=Chair;v=v1;g=meta.k8s.io, application/json", Wanted()),
        ("application/json;q=0.5, application/yaml", Wanted("application/yaml")),
        ("text/html, application/json;q=0.2", Wanted()),
        ('application/json; as="Table"; v=v1; g=meta.k8s.io', Wanted("application/json", *TABLE)),
        ("APPLICATION/JSON", Wanted()),
    ],
)
def test_negotiate(accept: str, wanted: Wanted) -> None:
    assert negotiate(accept, frozenset({TABLE})) == wanted


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "application/json;as=Chair;v=v1;g=x", ",;"])
def test_nothing_that_can_be_served(accept: str) -> None:
    with pytest.raises(NotAcceptable, match="only the following media types are accepted"):
        negotiate(accept, frozenset({TABLE}))
