"""The names that the Kubernetes DNS specification asks for, and what they resolve to."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest

from agent.dns.zone import Answer, Record, Srv, Zone
from orchestrator.api.meta import Object, key
from tests.fakes.services import HTTP, endpoint, endpoint_slice, service

WEB = "web.default.svc.cluster.local"
DB = "db.default.svc.cluster.local"


def zone(*published: tuple[Object, list[Object]]) -> Zone:
    made = Zone("cluster.local", "10.96.0.10", IPv4Network("10.96.0.0/16"))
    for one, slices in published:
        made.update(key(one), one, slices)
    return made


@pytest.fixture
def names() -> Zone:
    headless = service("db", ip="None", ports=[{"name": "sql", "port": 5432}])
    members = endpoint_slice(
        endpoint("172.17.0.2", hostname="db-0"),
        endpoint("172.17.0.3"),
        endpoint("172.17.0.4", ready=False),
        service="db",
        port=5432,
        name="sql",
    )
    return zone(
        (service(), []),
        (headless, [members]),
        (service("far", ip="", type="ExternalName", externalName="example.org."), []),
        (service("near", ip="", type="ExternalName", externalName=WEB), []),
        (service("loop", ip="", type="ExternalName", externalName="loop.default.svc.cluster.local"), []),
        (service("dangling", ip="", type="ExternalName", externalName="gone.default.svc.cluster.local"), []),
    )


def data(answer: Answer | None) -> list[Any]:
    assert answer is not None
    return [record.data for record in answer.records]


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        (WEB, "A", ["10.96.0.20"]),
        ("WEB.Default.svc.cluster.LOCAL", "A", ["10.96.0.20"]),
        (f"_http._tcp.{WEB}", "SRV", [Srv(0, 100, 80, WEB)]),
        (DB, "A", ["172.17.0.2", "172.17.0.3"]),
        (f"db-0.{DB}", "A", ["172.17.0.2"]),
        (f"172-17-0-3.{DB}", "A", ["172.17.0.3"]),
        (f"_sql._tcp.{DB}", "SRV", [Srv(0, 100, 5432, f"db-0.{DB}"), Srv(0, 100, 5432, f"172-17-0-3.{DB}")]),
        ("far.default.svc.cluster.local", "CNAME", ["example.org"]),
        ("near.default.svc.cluster.local", "A", [WEB, "10.96.0.20"]),
        ("172-17-0-9.default.pod.cluster.local", "A", ["172.17.0.9"]),
        ("20.0.96.10.in-addr.arpa", "PTR", [WEB]),
        ("2.0.17.172.in-addr.arpa", "PTR", [f"db-0.{DB}"]),
        ("cluster.local", "NS", ["ns.dns.cluster.local"]),
        ("cluster.local", "SOA", ["cluster.local"]),
        ("ns.dns.cluster.local", "A", ["10.96.0.10"]),
        ("dns-version.cluster.local", "TXT", ["1.1.0"]),
    ],
)
def test_records(names: Zone, name: str, kind: str, expected: list[Any]) -> None:
    answer = names.resolve(name, kind)
    assert answer is not None
    assert answer.exists
    assert data(answer) == expected


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (WEB, "AAAA"),
        (WEB, "MX"),
        (DB, "AAAA"),
        (f"_tcp.{DB}", "A"),
        ("default.svc.cluster.local", "A"),
        ("svc.cluster.local", "A"),
        ("cluster.local", "A"),
        ("dns.cluster.local", "A"),
        ("default.pod.cluster.local", "A"),
        ("20.0.96.10.in-addr.arpa", "A"),
    ],
)
def test_a_name_that_exists_without_such_a_record(names: Zone, name: str, kind: str) -> None:
    assert names.resolve(name, kind) == Answer(exists=True)


@pytest.mark.parametrize(
    "name",
    [
        "gone.default.svc.cluster.local",
        "web.other.svc.cluster.local",
        "other.svc.cluster.local",
        f"db-1.{DB}",
        f"_https._tcp.{WEB}",
        "172-17-0.default.pod.cluster.local",
        "a.172-17-0-9.default.pod.cluster.local",
        "web.cluster.local",
        "21.0.96.10.in-addr.arpa",
    ],
)
def test_a_name_that_does_not_exist(names: Zone, name: str) -> None:
    assert names.resolve(name, "A") == Answer(exists=False)


@pytest.mark.parametrize(
    "name", ["example.org", "xcluster.local", "local", "", "1.0.0.192.in-addr.arpa", "in-addr.arpa"]
)
def test_names_of_others(names: Zone, name: str) -> None:
    assert names.resolve(name, "A") is None


def test_a_name_for_something_outside_is_to_be_chased(names: Zone) -> None:
    answer = names.resolve("far.default.svc.cluster.local", "A")
    assert answer is not None
    assert (data(answer), answer.chase) == (["example.org"], "example.org")


def test_names_that_lead_nowhere(names: Zone) -> None:
    looping = names.resolve("loop.default.svc.cluster.local", "A")
    assert looping is not None
    assert looping.exists
    dangling = names.resolve("dangling.default.svc.cluster.local", "A")
    assert data(dangling) == ["gone.default.svc.cluster.local"]


def test_srv_answers_bring_the_addresses_along(names: Zone) -> None:
    answer = names.resolve(f"_sql._tcp.{DB}", "SRV")
    assert answer is not None
    assert set(answer.additional) == {
        Record(f"db-0.{DB}", "A", "172.17.0.2"),
        Record(f"172-17-0-3.{DB}", "A", "172.17.0.3"),
    }


def test_addresses_of_a_headless_service_take_turns(names: Zone) -> None:
    firsts = [data(names.resolve(DB, "A", turn))[0] for turn in range(4)]
    assert firsts == ["172.17.0.2", "172.17.0.3"] * 2


def test_a_headless_service_without_ports_has_addresses() -> None:
    bare = endpoint_slice(endpoint("172.17.0.2"), service="db")
    bare["ports"] = None
    assert data(zone((service("db", ip="None", ports=[]), [bare])).resolve(DB, "A")) == ["172.17.0.2"]


def test_a_headless_service_without_ready_endpoints_exists() -> None:
    assert zone((service("db", ip="None"), [])).resolve(DB, "A") == Answer(exists=True)


def test_a_change_replaces_and_a_deletion_removes_every_name() -> None:
    made = zone((service(ports=[HTTP]), []))
    web = service(ip="10.96.0.30", ports=[])
    made.update(key(web), web, [])
    assert data(made.resolve(WEB, "A")) == ["10.96.0.30"]
    assert made.resolve("20.0.96.10.in-addr.arpa", "PTR") == Answer(exists=False)
    assert made.resolve(f"_http._tcp.{WEB}", "SRV") == Answer(exists=False)
    made.update(key(web), None)
    for name in (WEB, "default.svc.cluster.local", "30.0.96.10.in-addr.arpa"):
        answer = made.resolve(name, "A")
        assert answer is not None
        assert not answer.exists
