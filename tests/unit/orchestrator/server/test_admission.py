from __future__ import annotations

import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.api.errors import Forbidden, InternalError, Invalid
from orchestrator.api.groups.core import POD, SERVICE, SERVICE_ACCOUNT
from orchestrator.api.meta import Object
from orchestrator.client.client import Client
from orchestrator.server.admission.base import Admission, View
from orchestrator.server.admission.services import ServiceIPs
from orchestrator.server.resources import Resources
from orchestrator.util.settings import Settings

from .objects import pod, service


def test_pods_get_the_default_account(client: Client) -> None:
    spec = client.create(POD, pod())["spec"]
    assert (spec["serviceAccountName"], spec["serviceAccount"]) == ("default", "default")


def test_a_named_account_must_be_there(client: Client) -> None:
    with pytest.raises(Forbidden, match='error looking up service account default/bot: serviceaccount "bot" not found'):
        client.create(POD, pod(serviceAccountName="bot"))
    secrets = [{"name": "registry"}]
    client.create(SERVICE_ACCOUNT, {"metadata": {"name": "bot", "namespace": "default"}, "imagePullSecrets": secrets})
    spec = client.create(POD, pod(serviceAccount="bot"))["spec"]
    assert spec["serviceAccountName"] == "bot"
    assert spec["imagePullSecrets"] == secrets


PATH = "/var/run/secrets/kubernetes.io/serviceaccount"


def test_pods_get_what_they_call_the_api_with(client: Client) -> None:
    init = [{"name": "init", "image": "busybox"}]
    spec = client.create(POD, pod(initContainers=init))["spec"]
    [volume] = spec["volumes"]
    assert re.fullmatch("kube-api-access-[a-z0-9]{5}", volume["name"])
    token, ca, namespace = volume["projected"]["sources"]
    assert token == {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}
    assert ca == {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}
    assert namespace["downwardAPI"]["items"][0]["path"] == "namespace"
    mount = {"name": volume["name"], "readOnly": True, "mountPath": PATH}
    assert [c["volumeMounts"] for c in (*spec["initContainers"], *spec["containers"])] == [[mount], [mount]]


def test_a_container_that_mounts_its_own_there_keeps_it(client: Client) -> None:
    own = [{"name": "main", "image": "nginx", "volumeMounts": [{"name": "mine", "mountPath": PATH}]}]
    volumes = [{"name": "mine", "emptyDir": {}}]
    spec = client.create(POD, pod(containers=own, volumes=volumes))["spec"]
    assert spec["volumes"] == volumes
    assert len(spec["containers"][0]["volumeMounts"]) == 1


@pytest.mark.parametrize(
    ("of_account", "of_pod", "mounted"),
    [(None, None, True), (False, None, False), (False, True, True), (True, False, False), (None, False, False)],
)
def test_who_wants_no_token(client: Client, of_account: bool | None, of_pod: bool | None, mounted: bool) -> None:
    field = "automountServiceAccountToken"
    account = {} if of_account is None else {field: of_account}
    client.create(SERVICE_ACCOUNT, {"metadata": {"name": "default", "namespace": "default"}, **account})
    spec = client.create(POD, pod(**({} if of_pod is None else {field: of_pod})))["spec"]
    assert bool(spec.get("volumes")) == mounted


def test_pods_tolerate_a_node_that_is_down_for_a_while(client: Client) -> None:
    own = {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 1}
    spec = client.create(POD, pod(tolerations=[own]))["spec"]
    added = {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute"}
    assert spec["tolerations"] == [own, {**added, "tolerationSeconds": 10}]
    everything = [{"operator": "Exists"}]
    assert client.create(POD, pod("calm", tolerations=everything))["spec"]["tolerations"] == everything


def test_pods_have_a_priority(client: Client) -> None:
    assert client.create(POD, pod())["spec"]["priority"] == 0


def test_services_get_an_address(client: Client) -> None:
    spec = client.create(SERVICE, service())["spec"]
    assert spec["clusterIP"].startswith("10.96.")
    assert spec["clusterIPs"] == [spec["clusterIP"]]
    assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (["IPv4"], "SingleStack")


def test_headless_and_external_services_get_none(client: Client) -> None:
    headless = client.create(SERVICE, service("a", clusterIP="None"))["spec"]
    assert (headless["clusterIP"], headless["clusterIPs"]) == ("None", ["None"])
    external = client.create(SERVICE, service("b", type="ExternalName", externalName="example.com"))["spec"]
    assert not external.get("clusterIP")


def test_an_address_can_be_asked_for_once(client: Client) -> None:
    assert client.create(SERVICE, service("dns", clusterIP="10.96.0.10"))["spec"]["clusterIP"] == "10.96.0.10"
    with pytest.raises(Invalid, match=r"failed to allocate IP 10\.96\.0\.10: provided IP is already allocated"):
        client.create(SERVICE, service("other", clusterIP="10.96.0.10"))
    with pytest.raises(Invalid, match=r"The range of valid IPs is 10\.96\.0\.0/16"):
        client.create(SERVICE, service("other", clusterIP="192.168.0.1"))
    with pytest.raises(Invalid, match=re.escape("the provided IP (1) is not in the valid range")):
        client.create(SERVICE, service("other", clusterIPs=["1", "-"]))


def test_node_ports(client: Client) -> None:
    made = client.create(SERVICE, _node_port("a", 30080))
    assert made["spec"]["ports"][0]["nodePort"] == 30080
    with pytest.raises(Invalid, match=r"spec\.ports\[0\]\.nodePort: Invalid value: 30080: provided port is already"):
        client.create(SERVICE, _node_port("b", 30080))
    with pytest.raises(Invalid, match="The range of valid ports is 30000-32767"):
        client.create(SERVICE, _node_port("b", 80))
    assert 30000 <= client.create(SERVICE, _node_port("b"))["spec"]["ports"][0]["nodePort"] <= 32767


def _node_port(name: str, number: int = 0, **spec: Any) -> Object:
    return service(name, port={"nodePort": number} if number else None, type="NodePort", **spec)


def test_one_port_for_two_protocols(client: Client) -> None:
    ports = [
        {"name": "t", "port": 53, "protocol": "TCP", "nodePort": 30053},
        {"name": "u", "port": 53, "protocol": "UDP", "nodePort": 30053},
    ]
    made = client.create(SERVICE, service("dns", type="NodePort") | {"spec": {"type": "NodePort", "ports": ports}})
    assert [port["nodePort"] for port in made["spec"]["ports"]] == [30053, 30053]
    client.delete(SERVICE, "dns", "default")
    client.create(SERVICE, _node_port("other", 30053))


def test_what_a_service_held_is_free_when_it_goes(client: Client) -> None:
    client.create(SERVICE, _node_port("a", 30080, clusterIP="10.96.7.7"))
    client.delete(SERVICE, "a", "default")
    client.create(SERVICE, _node_port("b", 30080, clusterIP="10.96.7.7"))


def test_a_changed_type_gives_back_the_port(client: Client) -> None:
    client.create(SERVICE, _node_port("a", 30080))
    client.patch(SERVICE, "a", {"spec": {"type": "ClusterIP"}}, "default")
    client.create(SERVICE, _node_port("b", 30080))


def test_a_changed_port_gives_back_the_old_one(client: Client) -> None:
    client.create(SERVICE, _node_port("a", 30080))
    wanted = {"spec": {"ports": [{"port": 80, "nodePort": 30081}]}}
    client.patch(SERVICE, "a", wanted, "default")
    client.create(SERVICE, _node_port("b", 30080))
    with pytest.raises(Invalid, match="already allocated"):
        client.create(SERVICE, _node_port("c", 30081))


def test_an_update_keeps_what_it_does_not_name(client: Client) -> None:
    first = client.create(SERVICE, _node_port("a", 30080))
    wanted = _node_port("a")
    wanted["metadata"]["labels"] = {"x": "y"}
    second = client.update(SERVICE, wanted)
    assert second["spec"] == first["spec"]


@pytest.mark.parametrize("how", ["invalid", "dry run", "taken name"])
def test_nothing_leaks_when_nothing_is_written(client: Client, how: str) -> None:
    wanted = _node_port("a", 30080, clusterIP="10.96.7.7")
    if how == "invalid":
        broken = _node_port("a", 30080, clusterIP="10.96.7.7", sessionAffinity="Sometimes")
        with pytest.raises(Invalid):
            client.create(SERVICE, broken)
    elif how == "dry run":
        client.create(SERVICE, wanted, dryRun="All")
    else:
        client.create(SERVICE, service("a"))
        with pytest.raises(Exception, match="already exists"):
            client.create(SERVICE, wanted)
        client.delete(SERVICE, "a", "default")
    client.create(SERVICE, wanted)


def test_the_pools_are_filled_from_the_store(resources: Resources, client: Client) -> None:
    client.create(SERVICE, _node_port("a", 30080, clusterIP="10.96.7.7"))
    fresh = ServiceIPs(View(resources.backend.store), Settings(home=Path("/nonexistent")), random.Random(1))
    resources.backend = replace(resources.backend, admission=Admission((fresh,)))
    with pytest.raises(Invalid, match="already allocated"):
        client.create(SERVICE, _node_port("b", 30080))
    with pytest.raises(Invalid, match="already allocated"):
        client.create(SERVICE, service("b", clusterIP="10.96.7.7"))


def test_a_full_range(resources: Resources, client: Client) -> None:
    small = Settings(
        home=Path("/nonexistent"), service_cidr="10.96.0.0/29", dns_ip="10.96.0.2", node_ports=(30000, 30000)
    )
    plugin = ServiceIPs(View(resources.backend.store), small, random.Random(1))
    resources.backend = replace(resources.backend, admission=Admission((plugin,)))
    addresses = {client.create(SERVICE, service(f"s{n}"))["spec"]["clusterIP"] for n in range(4)}
    assert addresses == {f"10.96.0.{last}" for last in (3, 4, 5, 6)}
    with pytest.raises(InternalError, match="delete a Service"):
        client.create(SERVICE, service("more"))
    client.delete(SERVICE, "s0", "default")
    client.create(SERVICE, _node_port("np"))
    client.delete(SERVICE, "s1", "default")
    with pytest.raises(InternalError, match="failed to allocate a nodePort"):
        client.create(SERVICE, _node_port("np2"))
