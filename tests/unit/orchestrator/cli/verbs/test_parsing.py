"""What users write: files, durations, ports, grace periods; and what the server's last word means."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.api.meta import Object
from orchestrator.cli.failure import Failure
from orchestrator.cli.verbs import flags, forwarded_ports, manifests, top
from orchestrator.cli.verbs.apply import outcome
from orchestrator.cli.verbs.delete import grace_seconds
from orchestrator.cli.verbs.logs import query, whole_lines
from orchestrator.cli.verbs.remote_command import exit_code


def test_documents_and_lists_are_taken_apart(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("---\n{apiVersion: v1, kind: A}\n---\n---\n{apiVersion: v1, kind: B}\n")
    items = '[{"apiVersion": "v1", "kind": "C"}, {"apiVersion": "v1", "kind": "D"}]'
    (tmp_path / "b.json").write_text('{"apiVersion": "v1", "kind": "List", "items": ' + items + "}")
    (tmp_path / "notes.txt").write_text("not read")
    found = manifests.read([str(tmp_path)])
    assert [document.obj["kind"] for document in found] == ["A", "B", "C", "D"]
    assert found[1].place.endswith("a.yaml, document 3")
    assert found[3].place.endswith("b.json, document 1, item 2")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{apiVersion: v1, kind: A}\n---\n{kind: B}", "x, document 2: Object 'apiVersion' is missing"),
        ("- a", "x, document 1: that is no Kubernetes object"),
        ("{apiVersion: v1, kind: A, metadata: 3}", "x, document 1: that is no Kubernetes object"),
        ("{apiVersion: v1, kind: A, spec: {a: 1, a: 2}}", "x, document 1: spec.a is given twice"),
        ("a: [", "x: error converting YAML to JSON"),
    ],
)
def test_a_bad_document_is_named(text: str, sentence: str) -> None:
    with pytest.raises(Failure) as raised:
        list(manifests.parse("x", text.encode()))
    assert sentence in raised.value.message


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="does not exist"):
        manifests.read([str(tmp_path / "none.yaml")])
    with pytest.raises(Failure, match="no objects in"):
        manifests.read([str(tmp_path)])


def test_durations() -> None:
    assert [flags.seconds(text) for text in ("0", "90", "30s", "1h30m", "1.5m", "200ms")] == [0, 90, 30, 5400, 90, 0.2]
    for text in ("", "soon", "3 m", "5d", "-1s"):
        with pytest.raises(Failure, match="no duration"):
            flags.seconds(text)


def test_log_options() -> None:
    assert query(follow=True, tail=0, since="2m") == {"follow": "true", "tailLines": "0", "sinceSeconds": "120"}
    assert query(since="10ms") == {"sinceSeconds": "1"}
    with pytest.raises(Failure, match="at most one"):
        query(since="1m", since_time="2026-01-01T00:00:00Z")


def test_lines_stay_whole() -> None:
    assert list(whole_lines([b"one\ntw", b"o", b"\n\nthree"])) == [b"one\n", b"two\n", b"\n", b"three"]


@pytest.mark.parametrize(
    ("period", "now", "force", "grace"),
    [(-1, False, False, None), (7, False, False, 7), (0, False, False, 1), (-1, True, False, 1), (0, False, True, 0)],
)
def test_grace_periods(period: int, now: bool, force: bool, grace: int | None) -> None:
    assert grace_seconds(period, now=now, force=force) == grace


def test_grace_periods_that_contradict() -> None:
    with pytest.raises(Failure):
        grace_seconds(5, now=True, force=False)
    with pytest.raises(Failure):
        grace_seconds(5, now=False, force=True)


SERVICE: Object = {
    "metadata": {"name": "web"},
    "spec": {"clusterIP": "10.0.0.1", "ports": [{"port": 80, "name": "web", "targetPort": "http"}]},
}
POD: Object = {
    "metadata": {"name": "web-0"},
    "spec": {"containers": [{"name": "a", "ports": [{"containerPort": 8080, "name": "http"}]}]},
}


@pytest.mark.parametrize(
    ("text", "service", "local", "remote"),
    [
        ("8080", None, 8080, 8080),
        ("9000:http", None, 9000, 8080),
        (":http", None, 0, 8080),
        ("http", None, 8080, 8080),
        ("9000:5432", None, 9000, 5432),
        ("80", SERVICE, 80, 8080),
        ("9000:web", SERVICE, 9000, 8080),
        (":80", SERVICE, 0, 8080),
    ],
)
def test_ports(text: str, service: Object | None, local: int, remote: int) -> None:
    found = forwarded_ports.to_pod(forwarded_ports.parse(text), service, POD)
    assert (found.local, found.remote) == (local, remote)


@pytest.mark.parametrize("text", ["", "80:", "a:80", "70000:80"])
def test_what_is_no_port(text: str) -> None:
    with pytest.raises(Failure, match="names no ports"):
        forwarded_ports.parse(text)


def test_ports_that_are_not_there() -> None:
    with pytest.raises(Failure, match="service web has no port 81"):
        forwarded_ports.to_pod(forwarded_ports.parse("81"), SERVICE, POD)
    with pytest.raises(Failure, match="no port named grpc"):
        forwarded_ports.to_pod(forwarded_ports.parse("grpc"), None, POD)


def test_the_end_of_a_command() -> None:
    causes = {"causes": [{"reason": "ExitCode", "message": "3"}]}
    assert exit_code({"status": "Success"}) == 0
    assert exit_code({"status": "Failure", "reason": "NonZeroExitCode", "details": causes}) == 3
    with pytest.raises(Failure, match="no such container"):
        exit_code({"status": "Failure", "message": "no such container"})


def test_what_an_apply_did() -> None:
    before = {"metadata": {"name": "a", "resourceVersion": "1"}, "data": {"k": "v"}, "status": {"x": 1}}
    counted = {
        "metadata": {"name": "a", "resourceVersion": "2", "generation": 3, "managedFields": []},
        "data": {"k": "v"},
    }
    assert outcome(None, before) == "created"
    assert outcome(before, counted) == "unchanged"
    assert outcome(before, {**counted, "data": {"k": "w"}}) == "configured"


def test_usage() -> None:
    metrics = {
        "metadata": {"name": "p", "namespace": "ns"},
        "containers": [{"name": "a", "usage": {"cpu": "10m", "memory": "1Mi"}}, {"name": "b", "usage": {"cpu": "1"}}],
    }
    used = top.whole(metrics)
    assert top.pod_rows(metrics, used, containers=False, namespaces=True) == [["ns", "p", "1010m", "1Mi"]]
    assert len(top.pod_rows(metrics, used, containers=True, namespaces=False)) == 2
    assert top.node_row("n", (1, 1 << 30), (2, 1 << 31)) == ["n", "1000m", "50%", "1024Mi", "50%"]
    assert top.node_row("n", (1, 1 << 20), (0, 0))[2] == "<unknown>"
