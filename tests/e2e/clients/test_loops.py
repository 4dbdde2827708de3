"""What operators are made of: informers, and leaders that are elected."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from kubernetes import client

from tests.e2e.clients.objects import settings
from tests.e2e.harness import RealCluster, eventually

pytestmark = [pytest.mark.engine, pytest.mark.kubectl]

CANDIDATE = """
import sys, time
from kubernetes import config
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.{module} import {lock}
config.load_kube_config()
def lead():
    print("leads", flush=True)
    time.sleep(60)
leaderelection.LeaderElection(electionconfig.Config(
    {lock}("{module}", "default", sys.argv[1]), lease_duration=3, renew_deadline=2, retry_period=1,
    onstarted_leading=lead, onstopped_leading=None,
)).run()
"""


def test_informer(core: client.CoreV1Api, space: str) -> None:
    """The client's own: a list, a watch that goes on from it, and a cache of both."""
    informer = pytest.importorskip("kubernetes.informer", reason="the client is older")
    kept = informer.SharedInformer(core.list_namespaced_config_map, namespace=space, label_selector="made=here")
    seen: list[tuple[str, str]] = []
    for kind in (informer.ADDED, informer.MODIFIED, informer.DELETED):
        kept.add_event_handler(kind, lambda obj, kind=kind: seen.append((kind, obj.metadata.name)))
    core.create_namespaced_config_map(space, settings("one"))
    kept.start()
    try:
        eventually(lambda: kept.cache.get_by_key(f"{space}/one"))
        core.patch_namespaced_config_map("one", space, {"data": {"a": "1"}})
        eventually(lambda: kept.cache.get_by_key(f"{space}/one").data == {"a": "1"})
        core.delete_namespaced_config_map("one", space)
        eventually(lambda: not kept.cache.list())
    finally:
        kept.stop()
    assert seen == [("ADDED", "one"), ("MODIFIED", "one"), ("DELETED", "one")]


@contextmanager
def candidate(cluster: RealCluster, program: str, name: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", program, name]
    with subprocess.Popen(command, env=cluster.environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("lock", ["ConfigMapLock", "LeaseLock"])
def test_a_leader_that_is_killed_is_followed(cluster: RealCluster, lock: str) -> None:
    module = lock.lower()
    pytest.importorskip(f"kubernetes.leaderelection.resourcelock.{module}", reason="the client is older")
    program = CANDIDATE.format(module=module, lock=lock)
    with candidate(cluster, program, "first") as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "leads\n"
        with candidate(cluster, program, "second") as second:
            assert second.stdout is not None
            first.kill()
            assert second.stdout.readline() == "leads\n"
