from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api import body
from orchestrator.api.errors import BadRequest
from orchestrator.api.protobuf import decode, table
from orchestrator.api.protobuf.wire import field, varint

MINUS_ONE = 2**64 - 1


def frame(api_version: str, kind: str, raw: bytes, *more: bytes) -> bytes:
    type_meta = field(1, api_version) + field(2, kind)
    return decode.MAGIC + field(1, type_meta) + field(2, raw) + b"".join(more)


def decoded(api_version: str, kind: str, raw: bytes) -> dict[str, Any]:
    """Without apiVersion and kind."""
    value = body.decode(frame(api_version, kind, raw), body.PROTOBUF).value
    assert (value.pop("apiVersion"), value.pop("kind")) == (api_version, kind)
    return dict(value)


META = field(1, field(1, "web") + field(2, "") + field(8, b""))
QUANTITY = field(1, "100m")


def spec_of_pod(spec: bytes) -> bytes:
    return field(2, spec)


def entry(key: str, value: bytes | str) -> bytes:
    return field(1, key) + field(2, value)


@pytest.mark.parametrize(
    ("api_version", "kind", "raw", "expected"),
    [
        # What is empty is not said: generateName, creationTimestamp, the status.
        ("v1", "Namespace", META + field(2, b"") + field(3, field(1, "")), {"metadata": {"name": "web"}}),
        # A pointer to zero is said, a zero is not: replicas, minReadySeconds, paused.
        ("apps/v1", "Deployment", field(2, field(1, 0) + field(5, 0) + field(7, 0)), {"spec": {"replicas": 0}}),
        # What is always there in JSON is said even when it is zero.
        ("scheduling.k8s.io/v1", "PriorityClass", field(2, 0) + field(3, 0), {"value": 0}),
        ("scheduling.k8s.io/v1", "PriorityClass", field(2, MINUS_ONE), {"value": -1}),
        ("v1", "ConfigMap", field(2, entry("a", "1")) + field(2, entry("b", "")) + field(2, field(1, "c")),
         {"data": {"a": "1", "b": "", "c": ""}}),
        ("v1", "Secret", field(2, entry("p", b"\xff")) + field(2, field(1, "e")) + field(3, "Opaque"),
         {"data": {"p": "/w==", "e": ""}, "type": "Opaque"}),
        # The last one counts.
        ("v1", "Secret", field(3, "a") + field(3, "b"), {"type": "b"}),
        # Fields that are not known are dropped, whatever they are.
        ("v1", "Secret", field(99, "x") + field(98, 7) + varint(97 << 3 | 1) + bytes(8), {}),
        # An inlined struct, and one that is empty but there.
        ("v1", "Pod", spec_of_pod(field(1, field(1, "tmp") + field(2, field(2, b"")))),
         {"spec": {"volumes": [{"name": "tmp", "emptyDir": {}}]}}),
        ("v1", "Pod", spec_of_pod(field(2, field(1, "c") + field(8, field(2, entry("cpu", QUANTITY))))),
         {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "100m"}}}]}}),
        ("v1", "Pod", spec_of_pod(field(2, field(11, field(1, field(2, field(2, field(1, 1) + field(3, "http"))))))),
         {"spec": {"containers": [{"readinessProbe": {"httpGet": {"port": "http"}}}]}}),
        ("v1", "Service", field(2, field(1, field(3, 80) + field(4, field(1, 0) + field(2, 8080)) + field(5, 0))),
         {"spec": {"ports": [{"port": 80, "targetPort": 8080}]}}),
        # A targetPort that nobody set.
        ("v1", "Service", field(2, field(1, field(3, 80) + field(4, field(1, 0) + field(2, 0) + field(3, "")))),
         {"spec": {"ports": [{"port": 80}]}}),
        ("coordination.k8s.io/v1", "Lease", field(2, field(4, field(1, 1_700_000_000) + field(2, 5_000))),
         {"spec": {"renewTime": "2023-11-14T22:13:20.000005Z"}}),
        ("v1", "Pod", field(1, field(17, field(7, field(1, b'{"f:a":{}}')) + field(4, field(1, 1)))),
         {"metadata": {"managedFields": [{"fieldsV1": {"f:a": {}}, "time": "1970-01-01T00:00:01Z"}]}}),
        ("apps/v1", "ControllerRevision", field(2, field(1, b'{"a": [1]}')) + field(3, 2),
         {"data": {"a": [1]}, "revision": 2}),
        ("authorization.k8s.io/v1", "SubjectAccessReview", field(2, field(5, entry("k", field(1, "a") * 2))),
         {"spec": {"extra": {"k": ["a", "a"]}}}),
        # Numbers one by one, and packed.
        ("v1", "PodPortForwardOptions", field(1, 1) + field(1, b"\x02\x03"), {"ports": [1, 2, 3]}),
        # DeleteOptions belong to every group-version.
        ("apps/v1", "DeleteOptions", field(1, 0) + field(2, field(1, "u1")) + field(4, "Background") + field(5, "All"),
         {"gracePeriodSeconds": 0, "preconditions": {"uid": "u1"}, "propagationPolicy": "Background",
          "dryRun": ["All"]}),
        ("v1", "Status", field(6, 404), {"code": 404}),
    ],
)  # fmt: skip
def test_decode(api_version: str, kind: str, raw: bytes, expected: dict[str, Any]) -> None:
    assert decoded(api_version, kind, raw) == expected


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{}", "does not begin with k8s"),
        (b"k8s\0", "Object 'Kind' is missing"),
        (frame("v1", "", b""), "Object 'Kind' is missing"),
        (frame("v1", "Widget", b""), 'no kind "Widget" of version "v1" is known'),
        (frame("example.com/v1", "Pod", b""), 'no kind "Pod" of version "example.com/v1"'),
        (frame("v1", "Pod", b"", field(3, "gzip")), "encoded once more"),
        (frame("v1", "Pod", b"", field(4, "application/json")), "is not protobuf"),
        (frame("v1", "Pod", META)[:-1], "unexpected end"),
        (frame("v1", "Pod", b"\x0a"), "a number does not end"),
        (frame("v1", "Pod", b"\x0a" + varint(2**62)), "unexpected end"),
        (frame("v1", "Pod", b"\xff" * 11), "a number does not end"),
        (frame("v1", "Pod", b"\x00\x00"), "has the number 0"),
        (frame("v1", "Pod", b"\x0b\x0c"), "wire type 3"),
        (frame("v1", "Pod", field(1, 7)), "the field metadata has wire type 0"),
        (frame("v1", "Secret", field(3, b"\xff")), "utf-8"),
        (frame("apps/v1", "Deployment", field(2, field(1, b"x"))), "the field replicas has wire type 2"),
        (frame("v1", "ConfigMap", field(2, 1)), "the field data has wire type 0"),
        (frame("apps/v1", "ControllerRevision", field(2, field(1, b"{"))), "json parse error"),
        (frame("apps/v1", "ControllerRevision", field(2, field(1, b"[" * 200 + b"]" * 200))), "exceeded max depth"),
        (frame("v1", "Pod", field(1, field(8, field(1, 2**62)))), "no year has the second"),
        (frame("v1", "PodList", b"\x12\x00" * 1_500_000), "more than 200000 parts"),
        (frame("v1", "PodPortForwardOptions", field(1, b"\x01" * 3_000_000)), "more than 200000 parts"),
    ],
)  # fmt: skip
def test_refused(data: bytes, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        body.decode(data, body.PROTOBUF)
    assert message in caught.value.message


def test_a_message_cannot_contain_itself() -> None:
    """The decoder follows the messages without counting how deep it is."""
    heights: dict[str, int] = {}

    def height(name: str, above: tuple[str, ...] = ()) -> int:
        assert name not in above
        if name not in heights:
            inner = [field.type for field in table.message(name).values() if "." in field.type]
            heights[name] = 1 + max((height(each, (*above, name)) for each in inner), default=0)
        return heights[name]

    assert 10 < max(height(name) for name in table.messages()) < 20
