"""What only HTTP has: paths, headers, forms of answers, limits."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import orjson
import pytest
import yaml

from orchestrator.api.body import PROTOBUF
from orchestrator.api.protobuf.decode import MAGIC
from orchestrator.api.protobuf.wire import field
from orchestrator.server import openapi_v2_protobuf
from orchestrator.server.incoming import MAX_BODY
from orchestrator.server.negotiation import JSON
from orchestrator.server.serve import ApiServer
from orchestrator.util.settings import Settings
from tests.fakes.api import live_api

from .http_client import Answer, Https
from .objects import config_map, deployment, pod

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ApiServer, Settings]]:
    home = tmp_path_factory.mktemp("home")
    (home / "pki").mkdir()
    (home / "pki" / "tokens.csv").write_text('s3cret,jane,1,"dev"\n')
    with live_api(home) as running:
        yield running


@pytest.fixture
def https(live: tuple[ApiServer, Settings]) -> Https:
    return Https(live[1])


@pytest.fixture
def stranger(live: tuple[ApiServer, Settings]) -> Https:
    return Https(live[1], "")


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/readyz/ping", "/version"])
def test_open_to_everybody(stranger: Https, path: str) -> None:
    assert stranger.get(path).code == 200


@pytest.mark.parametrize("path", ["/api", "/apis", "/api/v1/pods", "/metrics", "/openapi/v3", "/", "/nope"])
def test_closed_to_strangers(stranger: Https, path: str) -> None:
    answer = stranger.get(path)
    assert (answer.code, answer.json["reason"], answer.json["kind"]) == (403, "Forbidden", "Status")
    assert 'User "system:anonymous" cannot ' in answer.json["message"]


def test_bearer_tokens(stranger: Https) -> None:
    assert stranger.ask("GET", "/api", headers={"Authorization": "Bearer s3cret"}).code == 200
    assert stranger.ask("GET", "/api/v1/pods", headers={"Authorization": "Bearer nope"}).code == 401


def test_readiness_says_why(stranger: Https) -> None:
    answer = stranger.get("/readyz?verbose")
    assert b"[+]bootstrap ok" in answer.body
    assert answer.body.endswith(b"readyz check passed\n")


def test_version(https: Https) -> None:
    assert https.get("/version").json["gitVersion"].startswith("v1.33.0+podlab")


@pytest.mark.parametrize(
    "path",
    ["/nope", "/api/v2", "/apis/nope", "/apis/apps/v9", "/api/v1/widgets", "/openapi/v1", "/openapi/v3/apis/x/v1",
     "/api/v1/namespaces/default/nodes", "/api/v1/nodes/x/nope", "/api/v1/pods/x"],
)  # fmt: skip
def test_unknown_paths(https: Https, path: str) -> None:
    answer = https.get(path)
    assert (answer.code, answer.json["reason"]) == (404, "NotFound")
    assert answer.json["message"] == "the server could not find the requested resource"


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", CONFIG_MAPS), ("PATCH", CONFIG_MAPS), ("POST", f"{CONFIG_MAPS}/x"), ("POST", "/version"),
     ("OPTIONS", CONFIG_MAPS), ("DELETE", "/api/v1/nodes/x/status"), ("POST", "/api/v1/pods"),
     ("DELETE", "/api/v1/pods")],
)  # fmt: skip
def test_wrong_methods(https: Https, method: str, path: str) -> None:
    answer = https.ask(method, path, {})
    assert (answer.code, answer.json["reason"]) == (405, "MethodNotAllowed")


def test_get_answers_json_as_it_is_stored(https: Https) -> None:
    made = https.ask("POST", CONFIG_MAPS, config_map("stored"))
    assert made.code == 201
    answer = https.get(f"{CONFIG_MAPS}/stored")
    assert answer.body == made.body
    assert answer.headers["Content-Type"] == "application/json"


def test_yaml_both_ways(https: Https) -> None:
    body = b"metadata: {name: in-yaml}\ndata: {a: 'true'}\n"
    headers = {"Content-Type": "application/yaml", "Accept": "application/yaml"}
    made = https.ask("POST", CONFIG_MAPS, body, headers)
    assert (made.code, made.headers["Content-Type"]) == (201, "application/yaml")
    assert yaml.safe_load(made.body)["data"] == {"a": "true"}
    assert yaml.safe_load(https.get(CONFIG_MAPS, "application/yaml").body)["kind"] == "ConfigMapList"


def test_protobuf_bodies(https: Https) -> None:
    def ask(method: str, path: str, kind: str, raw: bytes) -> Answer:
        data = MAGIC + field(1, field(1, "v1") + field(2, kind)) + field(2, raw)
        return https.ask(method, path, data, {"Content-Type": PROTOBUF, "Accept": f"{PROTOBUF},{JSON}"})

    made = ask("POST", CONFIG_MAPS, "ConfigMap", field(1, field(1, "proto")) + field(2, field(1, "a") + field(2, "1")))
    assert (made.code, made.headers["Content-Type"], made.json["data"]) == (201, JSON, {"a": "1"})
    assert ask("POST", CONFIG_MAPS, "Secret", b"").json["message"].startswith("the kind in the data (Secret)")
    assert (ask("POST", CONFIG_MAPS, "ConfigMap", b"\xff").json["reason"]) == "BadRequest"
    kept = ask("DELETE", f"{CONFIG_MAPS}/proto", "DeleteOptions", field(2, field(1, "another")))
    assert (kept.code, "UID in the precondition" in kept.json["message"]) == (409, True)
    uid = made.json["metadata"]["uid"]
    assert ask("DELETE", f"{CONFIG_MAPS}/proto", "DeleteOptions", field(2, field(1, uid))).code == 200


def test_tables(https: Https) -> None:
    https.ask("POST", "/api/v1/namespaces/default/pods", pod("tabled"))
    answer = https.get("/api/v1/namespaces/default/pods", f"{TABLE},application/json")
    table = answer.json
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert [column["name"] for column in table["columnDefinitions"]][:3] == ["Name", "Ready", "Status"]
    [row] = [row for row in table["rows"] if row["cells"][0] == "tabled"]
    assert row["object"]["kind"] == "PartialObjectMetadata"
    one = https.get("/api/v1/namespaces/default/pods/tabled?includeObject=Object", TABLE).json
    assert one["rows"][0]["object"]["kind"] == "Pod"


def test_a_table_watch_has_its_headers_once(https: Https) -> None:
    for name in ("t1", "t2"):
        https.ask("POST", CONFIG_MAPS, config_map(name))
    answer = https.get(f"{CONFIG_MAPS}?watch=1&timeoutSeconds=1", TABLE)
    events = [orjson.loads(line)["object"] for line in answer.body.splitlines()]
    assert events[0]["columnDefinitions"]
    assert not any(event["columnDefinitions"] for event in events[1:])
    assert len(events) > 1


def test_metadata_only(https: Https) -> None:
    https.ask("POST", CONFIG_MAPS, config_map("bare"))
    accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
    answer = https.get(CONFIG_MAPS, accept).json
    assert answer["kind"] == "PartialObjectMetadataList"
    assert all("data" not in item for item in answer["items"])


def test_a_status_is_no_table(https: Https) -> None:
    https.ask("POST", CONFIG_MAPS, config_map("short"))
    answer = https.ask("DELETE", f"{CONFIG_MAPS}/short", headers={"Accept": TABLE})
    assert answer.json["kind"] == "Status"


def test_unacceptable(https: Https) -> None:
    assert https.get(CONFIG_MAPS, "text/html").code == 406


@pytest.mark.parametrize("path", ["/api", "/apis"])
def test_aggregated_discovery(https: Https, path: str) -> None:
    form = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    answer = https.get(path, f"{form},application/json")
    assert answer.headers["Content-Type"] == form
    assert answer.json["kind"] == "APIGroupDiscoveryList"
    assert https.get(path).json["kind"] in ("APIVersions", "APIGroupList")


def test_legacy_discovery(https: Https) -> None:
    assert https.get("/apis/apps").json["kind"] == "APIGroup"
    assert https.get("/apis/apps/v1").json["groupVersion"] == "apps/v1"
    assert https.get("/api/v1").json["groupVersion"] == "v1"
    assert "/apis/apps/v1" in https.get("/").json["paths"]


def test_openapi_is_kept_on_disk(https: Https, live: tuple[ApiServer, Settings]) -> None:
    url = https.get("/openapi/v3").json["paths"]["apis/apps/v1"]["serverRelativeURL"]
    first = https.get(url)
    assert "/apis/apps/v1/namespaces/{namespace}/deployments" in first.json["paths"]
    [file] = (live[1].home / "cache").glob("openapi-apis-apps-v1-*.json")
    file.write_bytes(b'{"from": "the cache"}')
    assert https.get(url).json == {"from": "the cache"}
    again = https.ask("GET", url, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.code, again.body) == (304, b"")


def test_openapi_v2_in_both_forms(https: Https, live: tuple[ApiServer, Settings]) -> None:
    [asked, named] = openapi_v2_protobuf.MEDIA_TYPES
    read = https.get("/openapi/v2")
    assert (read.headers["Content-Type"], read.json["swagger"]) == (JSON, "2.0")
    packed = https.get("/openapi/v2", asked)
    assert (packed.headers["Content-Type"], packed.body[:5]) == (named, field(1, "2.0"))
    assert packed.headers["ETag"] != read.headers["ETag"]
    files = (live[1].home / "cache").glob("openapi-v2-*")
    assert {file.suffix: file.read_bytes() for file in files} == {".json": read.body, ".pb": packed.body}
    again = https.ask("GET", "/openapi/v2", headers={"Accept": asked, "If-None-Match": packed.headers["ETag"]})
    assert (again.code, again.body) == (304, b"")


def test_warnings(https: Https) -> None:
    answer = https.ask("POST", CONFIG_MAPS, {**config_map("warned"), 'quo"ted': 1})
    assert answer.code == 201
    assert answer.headers["Warning"] == r'299 - "unknown field \"quo\"ted\""'


def test_duplicate_fields(https: Https) -> None:
    body = b'{"metadata": {"name": "twice"}, "data": {}, "data": {}}'
    answer = https.ask("POST", f"{CONFIG_MAPS}?fieldValidation=Strict", body, {"Content-Type": "application/json"})
    assert answer.code == 400
    assert 'duplicate field "data"' in answer.json["message"]


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"a: [", "application/yaml", 400),
        (b"k8s\x00", "application/vnd.kubernetes.protobuf", 400),
        (b"<a/>", "application/xml", 415),
        (b"[" * 100_000, "application/json", 400),
    ],
)
def test_bodies_that_are_none(https: Https, body: bytes, content_type: str, code: int) -> None:
    answer = https.ask("POST", CONFIG_MAPS, body, {"Content-Type": content_type})
    assert (answer.code, answer.json["kind"]) == (code, "Status")


def test_apply_takes_yaml(https: Https) -> None:
    path = f"{CONFIG_MAPS}/applied?fieldManager=ann"
    yaml_body = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: applied}\ndata: {a: b}\n"
    answer = https.ask("PATCH", path, yaml_body, {"Content-Type": "application/apply-patch+yaml"})
    assert (answer.code, answer.json["data"]) == (201, {"a": "b"})
    again = https.ask("PATCH", path, yaml_body + b"data: {a: b}\n", {"Content-Type": "application/apply-patch+yaml"})
    assert (again.code, again.headers["Warning"]) == (200, '299 - "duplicate field \\"data\\""')
    assert https.ask("PATCH", path, b"\xa0", {"Content-Type": "application/apply-patch+cbor"}).code == 415


@pytest.mark.parametrize(
    ("agent", "manager"), [("curl/8.1 (x)", "curl"), ("kube\tctl", "kubectl"), ("", "kubernetes-admin")]
)
def test_the_user_agent_owns_what_it_writes(https: Https, agent: str, manager: str) -> None:
    headers = {"Content-Type": "application/json", "User-Agent": agent}
    made = https.ask("POST", CONFIG_MAPS, {"metadata": {"generateName": "c-"}, "data": {"a": "b"}}, headers).json
    assert [entry["manager"] for entry in made["metadata"]["managedFields"]] == [manager]


def test_a_put_without_content_type_is_json(https: Https) -> None:
    https.ask("POST", "/apis/apps/v1/namespaces/default/deployments", deployment("scaled"))
    path = "/apis/apps/v1/namespaces/default/deployments/scaled/scale"
    scale = https.get(path).json
    scale["spec"]["replicas"] = 4
    assert https.ask("PUT", path, scale, {}).json["spec"]["replicas"] == 4


def test_a_scale_has_a_table_of_its_own(https: Https) -> None:
    https.ask("POST", "/apis/apps/v1/namespaces/default/deployments", deployment("sized"))
    table = https.get("/apis/apps/v1/namespaces/default/deployments/sized/scale", TABLE).json
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Desired", "Available", "Age"]
    assert table["rows"][0]["cells"][:3] == ["sized", 2, 0]
    assert table["rows"][0]["object"]["metadata"]["name"] == "sized"


@pytest.mark.parametrize("chunked", [False, True])
def test_too_large(https: Https, chunked: bool) -> None:
    data, headers = b"x" * (MAX_BODY + 1), {"Content-Type": "application/json"}
    connection = https.connect()
    if chunked:
        headers["Transfer-Encoding"] = "chunked"
    connection.request("POST", CONFIG_MAPS, iter([data]) if chunked else data, headers, encode_chunked=chunked)
    response = connection.getresponse()
    status = orjson.loads(response.read())
    assert (response.status, status["reason"]) == (413, "RequestEntityTooLarge")


def test_chunked_bodies_and_what_follows_them(https: Https) -> None:
    """The connection is clean after a chunked body: the next request on it is understood."""
    connection = https.connect()
    body = orjson.dumps(config_map("chunked"))
    for expected in (201, 409, 409):
        headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
        connection.request("POST", CONFIG_MAPS, iter([body[:10], body[10:]]), headers, encode_chunked=True)
        response = connection.getresponse()
        response.read()
        assert response.status == expected
    connection.request("GET", "/livez")
    assert connection.getresponse().read() == b"ok"


def test_watch_headers_come_at_once(https: Https) -> None:
    connection = https.connect()
    version = https.get(CONFIG_MAPS).json["metadata"]["resourceVersion"]
    connection.request("GET", f"{CONFIG_MAPS}?watch=true&resourceVersion={version}")
    assert connection.getresponse().status == 200
    connection.close()


def test_metrics(https: Https) -> None:
    https.get("/api/v1/nodes")
    text = https.get("/metrics").body.decode()
    assert 'apiserver_request_total{code="200",resource="nodes",subresource="",verb="LIST"}' in text
    assert "apiserver_longrunning_requests 0.0" in text
    assert "apiserver_storage_revision" in text


def test_a_defect_shows_no_traceback(
    https: Https, live: tuple[ApiServer, Settings], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(live[0].resources, "begin", broken)
    with caplog.at_level(logging.ERROR):
        answer = https.get("/api/v1/pods")
    assert (answer.code, answer.json["reason"]) == (500, "InternalError")
    assert b"secret" not in answer.body
    assert "ZeroDivisionError: secret detail" in caplog.text
