from __future__ import annotations

from typing import Any

import pytest

from agent.environment import resolve
from agent.runtime.base import ConfigError
from agent.runtime.node import NodeContext
from orchestrator.api.meta import Object
from tests.fakes.lookup import FakeLookup

NODE = NodeContext("lab", "node-1", "", "cluster.local", allocatable={"cpu": "3500m", "memory": "1Gi"})
STATUS = {"podIP": "10.0.0.5", "hostIP": "192.168.1.7", "podIPs": [{"ip": "10.0.0.5"}, {"ip": "fd00::5"}]}
POD: Object = {
    "metadata": {
        "name": "web-0",
        "namespace": "shop",
        "uid": "u1",
        "labels": {"app": "web", "tier/x": 'a"b'},
        "annotations": {"team": "blue"},
    },
    "spec": {
        "nodeName": "node-1",
        "serviceAccountName": "robot",
        "enableServiceLinks": False,
        "containers": [{"name": "side", "resources": {"requests": {"cpu": "70m"}}}],
    },
}


@pytest.fixture
def lookup() -> FakeLookup:
    found = FakeLookup()
    found.config_map("cfg", {"a": "1", "b": "2"}, {"blob": b"\xff"})
    found.secret("pw", {"user": b"admin", "bad": b"\xff"})
    return found


def variables(lookup: FakeLookup, *env: Object, pod: Object = POD, **container: Any) -> dict[str, str]:
    return dict(resolve(pod, {"name": "web", "env": list(env), **container}, lookup, NODE, STATUS))


def test_literals_refer_to_what_came_before(lookup: FakeLookup) -> None:
    env = [{"name": "A", "value": "$(B)"}, {"name": "B", "value": "2"}, {"name": "C", "value": "$(A)-$(B)-$$(B)"}]
    assert variables(lookup, *env) == {"A": "$(B)", "B": "2", "C": "$(B)-2-$(B)"}
    assert variables(lookup, {"name": "EMPTY"}) == {"EMPTY": ""}


def test_a_later_definition_wins(lookup: FakeLookup) -> None:
    assert variables(lookup, {"name": "A", "value": "1"}, {"name": "A", "value": "$(A)2"}) == {"A": "12"}


def from_source(**source: Any) -> Object:
    return {"name": "X", "valueFrom": source}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ({"configMapKeyRef": {"name": "cfg", "key": "a"}}, "1"),
        ({"secretKeyRef": {"name": "pw", "key": "user"}}, "admin"),
        ({"fieldRef": {"fieldPath": "metadata.name"}}, "web-0"),
        ({"fieldRef": {"fieldPath": "metadata.namespace"}}, "shop"),
        ({"fieldRef": {"fieldPath": "metadata.uid"}}, "u1"),
        ({"fieldRef": {"fieldPath": "metadata.labels['app']"}}, "web"),
        ({"fieldRef": {"fieldPath": "metadata.labels['none']"}}, ""),
        ({"fieldRef": {"fieldPath": "metadata.annotations['team']"}}, "blue"),
        ({"fieldRef": {"fieldPath": "metadata.labels"}}, 'app="web"\ntier/x="a\\"b"'),
        ({"fieldRef": {"fieldPath": "spec.nodeName"}}, "node-1"),
        ({"fieldRef": {"fieldPath": "spec.serviceAccountName"}}, "robot"),
        ({"fieldRef": {"fieldPath": "status.hostIP"}}, "192.168.1.7"),
        ({"fieldRef": {"fieldPath": "status.podIP"}}, "10.0.0.5"),
        ({"fieldRef": {"fieldPath": "status.podIPs"}}, "10.0.0.5,fd00::5"),
        ({"fieldRef": {"fieldPath": "status.hostIPs"}}, "192.168.1.7"),
        ({"resourceFieldRef": {"resource": "requests.cpu"}}, "1"),
        ({"resourceFieldRef": {"resource": "requests.cpu", "divisor": "1m"}}, "250"),
        ({"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}, "65"),
        ({"resourceFieldRef": {"resource": "limits.cpu", "divisor": "0"}}, "4"),
        ({"resourceFieldRef": {"resource": "requests.memory"}}, "0"),
        ({"resourceFieldRef": {"resource": "requests.cpu", "containerName": "side", "divisor": "1m"}}, "70"),
    ],
)
def test_sources(lookup: FakeLookup, source: Object, value: str) -> None:
    resources = {"requests": {"cpu": "250m"}, "limits": {"memory": "64.5Mi"}}
    assert variables(lookup, from_source(**source), resources=resources) == {"X": value}


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ({"configMapKeyRef": {"name": "no", "key": "a"}}, 'configmap "no" not found'),
        ({"configMapKeyRef": {"name": "cfg", "key": "z"}}, "couldn't find key z in ConfigMap shop/cfg"),
        ({"configMapKeyRef": {"name": "cfg", "key": "blob"}}, "couldn't find key blob in ConfigMap shop/cfg"),
        ({"secretKeyRef": {"name": "no", "key": "a"}}, 'secret "no" not found'),
        ({"secretKeyRef": {"name": "pw", "key": "z"}}, "couldn't find key z in Secret shop/pw"),
        ({"fieldRef": {"fieldPath": "spec.color"}}, "fieldRef spec.color is not supported"),
        ({"resourceFieldRef": {"resource": "cpu"}}, "resourceFieldRef cpu is not supported"),
        ({"fileKeyRef": {"path": "a"}}, "valueFrom fileKeyRef of an environment variable is not supported"),
    ],
)
def test_what_is_missing_is_named(lookup: FakeLookup, source: Object, sentence: str) -> None:
    with pytest.raises(ConfigError) as error:
        variables(lookup, from_source(**source))
    assert str(error.value) == sentence


@pytest.mark.parametrize(
    "source",
    [
        {"configMapKeyRef": {"name": "no", "key": "a", "optional": True}},
        {"configMapKeyRef": {"name": "cfg", "key": "z", "optional": True}},
        {"secretKeyRef": {"name": "no", "key": "a", "optional": True}},
    ],
)
def test_what_is_optional_may_be_missing(lookup: FakeLookup, source: Object) -> None:
    assert variables(lookup, from_source(**source)) == {}


def test_whole_objects(lookup: FakeLookup) -> None:
    sources = [
        {"configMapRef": {"name": "cfg"}},
        {"prefix": "DB_", "secretRef": {"name": "pw"}},
        {"configMapRef": {"name": "no", "optional": True}},
    ]
    found = variables(lookup, {"name": "b", "value": "$(a)0"}, envFrom=sources)
    assert found == {"a": "1", "b": "10", "DB_user": "admin", "DB_bad": "\ufffd"}


@pytest.mark.parametrize(("kind", "word"), [("configMapRef", "configmap"), ("secretRef", "secret")])
def test_a_missing_whole_object(lookup: FakeLookup, kind: str, word: str) -> None:
    with pytest.raises(ConfigError, match=f'{word} "no" not found'):
        variables(lookup, envFrom=[{kind: {"name": "no"}}])


def test_services(lookup: FakeLookup) -> None:
    lookup.service("kubernetes", "10.96.0.1", [{"port": 443, "name": "https"}], namespace="default")
    lookup.service("other", "10.96.0.9", [{"port": 1}], namespace="default")
    lookup.service("my-db", "10.96.0.7", [{"port": 5432, "name": "sql-x"}, {"port": 53, "protocol": "UDP"}])
    lookup.service("headless", "None", [{"port": 80}])
    api = {
        "KUBERNETES_SERVICE_HOST": "10.96.0.1",
        "KUBERNETES_SERVICE_PORT": "443",
        "KUBERNETES_SERVICE_PORT_HTTPS": "443",
        "KUBERNETES_PORT": "tcp://10.96.0.1:443",
        "KUBERNETES_PORT_443_TCP": "tcp://10.96.0.1:443",
        "KUBERNETES_PORT_443_TCP_PROTO": "tcp",
        "KUBERNETES_PORT_443_TCP_PORT": "443",
        "KUBERNETES_PORT_443_TCP_ADDR": "10.96.0.1",
    }
    database = {
        "MY_DB_SERVICE_HOST": "10.96.0.7",
        "MY_DB_SERVICE_PORT": "5432",
        "MY_DB_SERVICE_PORT_SQL_X": "5432",
        "MY_DB_PORT": "tcp://10.96.0.7:5432",
        "MY_DB_PORT_5432_TCP": "tcp://10.96.0.7:5432",
        "MY_DB_PORT_5432_TCP_PROTO": "tcp",
        "MY_DB_PORT_5432_TCP_PORT": "5432",
        "MY_DB_PORT_5432_TCP_ADDR": "10.96.0.7",
        "MY_DB_PORT_53_UDP": "udp://10.96.0.7:53",
        "MY_DB_PORT_53_UDP_PROTO": "udp",
        "MY_DB_PORT_53_UDP_PORT": "53",
        "MY_DB_PORT_53_UDP_ADDR": "10.96.0.7",
    }
    linked = {**POD, "spec": {**POD["spec"], "enableServiceLinks": True}}
    assert variables(lookup) == api
    assert variables(lookup, pod=linked) == api | database
    assert variables(lookup, {"name": "URL", "value": "$(MY_DB_PORT)"}, pod=linked)["URL"] == "tcp://10.96.0.7:5432"
