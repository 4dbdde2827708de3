from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.runtime.base import ConfigError, ContainerSpec, Image, Mount, PortMapping
from agent.runtime.node import NodeContext, Resolver
from agent.runtime.translate import container_spec, sandbox_spec, spec_hash
from orchestrator.api.meta import Object

NODE = NodeContext("lab", "node-1", "10.96.0.10", "cluster.local", allocatable={"memory": "8Gi"})
IMAGE = Image("sha256:1", ("nginx:1",), (), 1)


def pod(containers: list[Object] | None = None, **spec: Any) -> Object:
    return {
        "metadata": {"name": "web-0", "namespace": "shop", "uid": "u1"},
        "spec": {"containers": containers or [container()], **spec},
    }


def container(**fields: Any) -> Object:
    return {"name": "web", "image": "nginx:1", **fields}


def sandbox(**spec: Any) -> ContainerSpec:
    return sandbox_spec(pod(**spec), NODE, "pause:1")


def translated(
    own: Object | None = None,
    image: Image = IMAGE,
    env: tuple[tuple[str, str], ...] = (),
    seccomp: str = "",
    **spec: Any,
) -> ContainerSpec:
    own = own or container()
    return container_spec(
        pod([own], **spec),
        own,
        sandbox_id="s1",
        image=image,
        env=env,
        mounts=(),
        restarts=2,
        node=NODE,
        seccomp=seccomp,
    )


def test_the_sandbox_is_named_and_labelled_after_its_pod() -> None:
    made = sandbox(terminationGracePeriodSeconds=5)
    assert made.name == "podlab_lab_POD_web-0_shop_u1"
    assert made.image == "pause:1"
    assert made.labels == {
        "podlab.cluster": "lab",
        "podlab.node": "node-1",
        "podlab.namespace": "shop",
        "podlab.pod": "web-0",
        "podlab.uid": "u1",
        "podlab.container": "POD",
        "podlab.grace": "5",
    }


def test_the_sandbox_owns_network_ipc_and_hostname() -> None:
    made = sandbox()
    assert (made.network, made.ipc, made.pid, made.hostname, made.domain) == ("", "shareable", "", "web-0", "")
    assert (made.resources.cpu_shares, made.resources.oom_score_adj) == (2, -998)


def test_the_hosts_namespaces_on_demand() -> None:
    made = sandbox(hostNetwork=True, hostPID=True, hostIPC=True)
    assert (made.network, made.ipc, made.pid, made.hostname) == ("host", "host", "host", "")


@pytest.mark.parametrize(
    ("spec", "hostname", "domain"),
    [
        ({"hostname": "db"}, "db", ""),
        ({"hostname": "db", "subdomain": "pg"}, "db", "pg.shop.svc.cluster.local"),
        ({"hostname": "x" * 62 + "-yz"}, "x" * 62, ""),
    ],
)
def test_hostnames(spec: Object, hostname: str, domain: str) -> None:
    made = sandbox(**spec)
    assert (made.hostname, made.domain) == (hostname, domain)


def test_host_ports_are_published_by_the_sandbox() -> None:
    ports = [
        {"containerPort": 80, "hostPort": 8080},
        {"containerPort": 53, "hostPort": 53, "protocol": "UDP", "hostIP": "127.0.0.1"},
        {"containerPort": 9090},
    ]
    expected = [PortMapping(80, 8080), PortMapping(53, 53, "UDP", "127.0.0.1")]
    assert sandbox(containers=[container(ports=ports)]).ports == expected
    assert sandbox(containers=[container(ports=ports)], hostNetwork=True).ports == []


def test_sysctls_and_host_aliases() -> None:
    made = sandbox(
        securityContext={"sysctls": [{"name": "net.core.somaxconn", "value": "1024"}]},
        hostAliases=[{"ip": "1.2.3.4", "hostnames": ["a", "b"]}],
    )
    assert made.sysctls == {"net.core.somaxconn": "1024"}
    assert made.extra_hosts == [("a", "1.2.3.4"), ("b", "1.2.3.4")]


CLUSTER_SEARCHES = ("shop.svc.cluster.local", "svc.cluster.local", "cluster.local")
HOST = Resolver(("192.168.1.1",), ("home.lan",), ("ndots:1",))
CUSTOM = {
    "nameservers": ["9.9.9.9"],
    "searches": ["example.com"],
    "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}],
}


@pytest.mark.parametrize(
    ("spec", "dns", "searches", "options"),
    [
        ({}, ("10.96.0.10",), (*CLUSTER_SEARCHES, "home.lan"), ("ndots:5",)),
        ({"dnsPolicy": "ClusterFirst", "hostNetwork": True}, (), (), ()),
        ({"dnsPolicy": "ClusterFirstWithHostNet", "hostNetwork": True}, ("10.96.0.10",), None, ("ndots:5",)),
        ({"dnsPolicy": "Default"}, (), (), ()),
        ({"dnsPolicy": "None", "dnsConfig": CUSTOM}, ("9.9.9.9",), ("example.com",), ("ndots:2", "edns0")),
        (
            {"dnsConfig": CUSTOM},
            ("10.96.0.10", "9.9.9.9"),
            (*CLUSTER_SEARCHES, "home.lan", "example.com"),
            ("ndots:2", "edns0"),
        ),
        (
            {"dnsPolicy": "Default", "dnsConfig": CUSTOM},
            ("192.168.1.1", "9.9.9.9"),
            ("home.lan", "example.com"),
            ("ndots:2", "edns0"),
        ),
    ],
)
def test_dns(spec: Object, dns: tuple[str, ...], searches: tuple[str, ...] | None, options: tuple[str, ...]) -> None:
    made = sandbox_spec(pod(**spec), replace(NODE, resolver=HOST), "pause:1")
    assert made.dns == dns
    assert made.dns_options == options
    if searches is not None:
        assert made.dns_search == searches


def test_without_service_addresses_the_nodes_dns_is_used() -> None:
    made = sandbox_spec(pod(), replace(NODE, dns_ip=""), "pause:1")
    assert (made.dns, made.dns_search, made.dns_options) == ((), (), ())


def test_a_container_joins_its_sandbox() -> None:
    made = translated()
    assert (made.network, made.ipc, made.pid) == ("container:s1", "container:s1", "")
    assert made.name == "podlab_lab_web_web-0_shop_u1_2"
    assert made.labels["podlab.container"] == "web"
    assert made.labels["podlab.restarts"] == "2"
    assert made.labels["podlab.sandbox"] == "s1"
    assert made.labels["podlab.spec"] == spec_hash(container())
    assert made.labels["podlab.grace"] == "30"


def test_a_shared_process_namespace_is_the_sandboxs() -> None:
    assert translated(shareProcessNamespace=True).pid == "container:s1"
    assert translated(hostPID=True).pid == "host"
    assert translated(hostIPC=True).ipc == "host"


@pytest.mark.parametrize(
    ("fields", "command", "args"),
    [
        ({}, None, None),
        ({"args": ["-g", "x"]}, None, ["-g", "x"]),
        ({"command": ["nginx"]}, ["nginx"], []),
        ({"command": ["nginx"], "args": ["-t"]}, ["nginx"], ["-t"]),
        ({"command": [], "args": []}, None, None),
        ({"command": ["echo", "$(A) $$(A) $(NO)"], "args": ["$(A)"]}, ["echo", "1 $(A) $(NO)"], ["1"]),
    ],
)
def test_command_and_arguments(fields: Object, command: list[str] | None, args: list[str] | None) -> None:
    made = translated(container(**fields), env=(("A", "1"),))
    assert (made.command, made.args) == (command, args)


@pytest.mark.parametrize(
    ("requests", "limits", "shares", "quota", "memory", "score"),
    [
        ({}, {}, 2, 0, 0, 1000),
        ({"cpu": "100m"}, {}, 102, 0, 0, 999),
        ({"cpu": "1m"}, {}, 2, 0, 0, 999),
        ({"cpu": "2"}, {"cpu": "2500m"}, 2048, 250_000, 0, 999),
        ({}, {"cpu": "500m"}, 512, 50_000, 0, 999),
        ({}, {"cpu": "1m"}, 2, 1_000, 0, 999),
        ({"memory": "2Gi"}, {"memory": "4Gi"}, 2, 0, 4 << 30, 750),
        ({"memory": "8Gi"}, {}, 2, 0, 0, 3),
        ({"cpu": "1", "memory": "1Gi"}, {"cpu": "1", "memory": "1Gi"}, 1024, 100_000, 1 << 30, -997),
    ],
)
def test_resources(requests: Object, limits: Object, shares: int, quota: int, memory: int, score: int) -> None:
    made = translated(container(resources={"requests": requests, "limits": limits})).resources
    assert (made.cpu_shares, made.cpu_quota, made.memory, made.oom_score_adj) == (shares, quota, memory, score)


def test_the_system_is_killed_last() -> None:
    assert translated(priority=2_000_001_000).resources.oom_score_adj == -997


@given(request=st.integers(0, 64 << 30))
def test_burstable_pods_are_killed_between_the_other_classes(request: int) -> None:
    own = container(resources={"requests": {"cpu": "1", "memory": str(request)}})
    score = translated(own).resources.oom_score_adj
    assert score is not None and 3 <= score <= 999


@pytest.mark.parametrize(
    ("of_pod", "of_container", "image_user", "user"),
    [
        ({}, {}, "nginx", ""),
        ({"runAsUser": 1000}, {}, "", "1000"),
        ({"runAsUser": 1000}, {"runAsUser": 0}, "", "0"),
        ({"runAsUser": 1000, "runAsGroup": 2000}, {}, "", "1000:2000"),
        ({}, {"runAsGroup": 2000}, "nginx:www", "nginx:2000"),
        ({}, {"runAsGroup": 2000}, "", "0:2000"),
    ],
)
def test_users(of_pod: Object, of_container: Object, image_user: str, user: str) -> None:
    image = replace(IMAGE, user=image_user)
    assert translated(container(securityContext=of_container), image, securityContext=of_pod).user == user


def test_security_options() -> None:
    own = container(
        securityContext={
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]},
            "seccompProfile": {"type": "Unconfined"},
            "appArmorProfile": {"type": "Unconfined"},
            "seLinuxOptions": {"level": "s0:c1"},
        }
    )
    made = translated(own, securityContext={"supplementalGroups": [5, 6], "fsGroup": 7})
    assert made.read_only_root and not made.privileged
    assert (made.add_capabilities, made.drop_capabilities) == (["NET_ADMIN"], ["ALL"])
    assert made.security_options == [
        "seccomp=unconfined",
        "apparmor=unconfined",
        "label=level:s0:c1",
        "no-new-privileges",
    ]
    assert made.groups == ["5", "6", "7"]


def test_a_seccomp_profile_of_the_machine() -> None:
    own = container(securityContext={"seccompProfile": {"type": "Localhost", "localhostProfile": "a"}})
    assert translated(own, seccomp="{}").security_options == ["seccomp={}"]


def test_strict_groups_need_a_group() -> None:
    strict = {"supplementalGroupsPolicy": "Strict", "runAsUser": 5}
    with pytest.raises(ConfigError, match="needs a runAsGroup"):
        translated(container(), securityContext=strict)
    assert translated(container(), securityContext={**strict, "runAsGroup": 6}).user == "5:6"


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"hostUsers": False}, "can't set `spec.hostUsers: false`, runtime does not support user namespaces"),
        ({"resourceClaims": [{"name": "gpu"}]}, "no driver for the claims gpu on this node"),
        ({"hostname": "a" * 30, "subdomain": "b" * 30, "setHostnameAsFQDN": True}, "64 characters is the max"),
    ],
)
def test_what_no_sandbox_can_be(spec: Object, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        sandbox_spec(pod(**spec), NODE, "pause")


def test_the_whole_name_as_the_hostname() -> None:
    made = sandbox_spec(pod(setHostnameAsFQDN=True, subdomain="pages"), NODE, "pause", "kata")
    assert (made.hostname, made.domain) == ("web-0.pages.shop.svc.cluster.local", "")
    assert made.runtime == "kata"
    assert sandbox_spec(pod(setHostnameAsFQDN=True), NODE, "pause").hostname == "web-0"


@pytest.mark.parametrize(
    ("context", "image_user", "refusal"),
    [
        ({"runAsUser": 0}, "", "container's runAsUser breaks non-root policy"),
        ({}, "", "image will run as root"),
        ({}, "0:5", "image will run as root"),
        ({}, "nginx", "non-numeric user (nginx)"),
        ({}, "101", ""),
        ({"runAsUser": 101}, "", ""),
        ({"runAsNonRoot": False}, "", ""),
    ],
)
def test_run_as_non_root(context: Object, image_user: str, refusal: str) -> None:
    own, image = container(securityContext=context), replace(IMAGE, user=image_user)
    try:
        translated(own, image, securityContext={"runAsNonRoot": True})
    except ConfigError as error:
        assert refusal and refusal in str(error)
        assert '(pod: "shop/web-0", container: web)' in str(error)
    else:
        assert not refusal


def test_the_rest_is_passed_on() -> None:
    own = container(workingDir="/srv", stdin=True, tty=True, securityContext={"privileged": True})
    made = container_spec(
        pod([own]),
        own,
        sandbox_id="s1",
        image=IMAGE,
        env=[("A", "1")],
        mounts=[Mount("/data", "/srv/data")],
        restarts=0,
        node=NODE,
    )
    assert (made.working_dir, made.stdin, made.tty, made.privileged) == ("/srv", True, True, True)
    assert (made.env, made.mounts, made.image) == ([("A", "1")], [Mount("/data", "/srv/data")], "nginx:1")


def test_the_hash_follows_the_image_only() -> None:
    assert spec_hash(container()) == spec_hash(container(resources={"limits": {"cpu": "1"}}))
    assert spec_hash(container()) != spec_hash({**container(), "image": "nginx:2"})


@given(length=st.integers(1, 253), restarts=st.integers(0, 10**6))
def test_names_fit_and_stay_apart(length: int, restarts: int) -> None:
    long = pod()
    long["metadata"]["name"] = "p" * length
    own = container()
    names = {
        container_spec(long, own, sandbox_id="s", image=IMAGE, env=(), mounts=(), restarts=count, node=NODE).name
        for count in (restarts, restarts + 1)
    }
    assert len(names) == 2
    assert all(len(name) <= 255 and "_u1_" in name for name in names)
