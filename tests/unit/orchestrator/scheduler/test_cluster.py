from dataclasses import replace

from orchestrator.scheduler.cluster import Cluster
from orchestrator.scheduler.podinfo import PodInfo
from tests.unit.orchestrator.scheduler.objects import node, pod


def placed(info: PodInfo, where: str) -> PodInfo:
    return replace(info, node=where)


def used(cluster: Cluster) -> dict[str, int]:
    return {n.name: n.requested.get("cpu", 0) for n in cluster.snapshot().nodes}


def test_a_node_finds_the_pods_that_came_before_it() -> None:
    cluster = Cluster()
    cluster.put_pod(placed(pod(cpu="1"), "n1"))
    cluster.put_node(node("n1"))
    assert used(cluster) == {"n1": 1000}


def test_a_changed_node_keeps_its_pods() -> None:
    cluster = Cluster()
    assert cluster.put_node(node("n1"))
    cluster.put_pod(placed(pod(cpu="1"), "n1"))
    assert not cluster.put_node(node("n1"))
    assert cluster.put_node(node("n1", unschedulable=True))
    assert used(cluster) == {"n1": 1000}
    assert cluster.snapshot().nodes[0].unschedulable
    cluster.remove_node("n1")
    assert cluster.snapshot().nodes == ()
    cluster.put_node(node("n1"))
    assert used(cluster) == {"n1": 1000}


def test_an_assumed_pod_takes_its_place_until_it_is_forgotten() -> None:
    cluster = Cluster()
    cluster.put_node(node("n1"))
    waiting = pod(cpu="1")
    cluster.assume(waiting, "n1")
    assert used(cluster) == {"n1": 1000} and cluster.has_place(waiting.uid)
    cluster.forget(waiting.uid)
    assert used(cluster) == {"n1": 0} and not cluster.has_place(waiting.uid)


def test_what_the_api_server_told_is_not_forgotten() -> None:
    cluster = Cluster()
    cluster.put_node(node("n1"))
    bound = pod(cpu="1")
    cluster.assume(bound, "n1")
    cluster.put_pod(placed(bound, "n1"))
    cluster.forget(bound.uid)
    assert used(cluster) == {"n1": 1000}


def test_the_api_server_knows_better_where_a_pod_is() -> None:
    cluster = Cluster()
    cluster.put_node(node("n1"))
    cluster.put_node(node("n2"))
    bound = pod(cpu="1")
    cluster.assume(bound, "n1")
    cluster.put_pod(placed(bound, "n2"))
    assert used(cluster) == {"n1": 0, "n2": 1000}


def test_a_pod_that_is_gone_leaves_its_place() -> None:
    cluster = Cluster()
    cluster.put_node(node("n1"))
    gone, stays = (placed(pod(cpu="1", ports=[{"containerPort": 1, "hostPort": port}]), "n1") for port in (80, 81))
    cluster.put_pod(gone)
    cluster.put_pod(stays)
    cluster.put_pod(stays)
    cluster.remove_pod(gone.uid)
    cluster.remove_pod("never heard of")
    assert used(cluster) == {"n1": 1000}
    assert {port.port for port in cluster.snapshot().nodes[0].ports} == {81}


def test_a_snapshot_does_not_change() -> None:
    cluster = Cluster()
    cluster.put_node(node("n1"))
    before = cluster.snapshot()
    assert cluster.snapshot() is before
    cluster.put_namespace("default", {"team": "x"})
    cluster.assume(pod(cpu="1"), "n1")
    assert before.nodes[0].requested == {} and before.namespaces == {}
    assert cluster.snapshot().namespaces == {"default": {"team": "x"}}
    cluster.remove_namespace("default")
    assert cluster.snapshot().namespaces == {}
