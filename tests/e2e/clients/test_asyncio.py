"""The official Python client's asynchronous twin: a pod is created, watched, and a command run in it."""

from __future__ import annotations

import asyncio
from typing import Any

import kubernetes_asyncio as aio
import pytest

from tests.e2e.harness import RealCluster

pytestmark = [pytest.mark.engine, pytest.mark.kubectl]


def test_asyncio(cluster: RealCluster, busybox_image: str) -> None:
    assert asyncio.run(told(str(cluster.kubeconfig), busybox_image)) == ["ADDED", "said\n", 3]


async def told(kubeconfig: str, image: str) -> list[Any]:
    """The first event's type, what a command printed, and another's exit code."""
    loaded = aio.client.Configuration()
    await aio.config.load_kube_config(kubeconfig, client_configuration=loaded)
    async with aio.client.ApiClient(loaded) as api, aio.stream.WsApiClient(loaded) as sockets:
        core = aio.client.CoreV1Api(api)
        container = {"name": "main", "image": image, "command": ["sleep", "100"]}
        spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
        await core.create_namespaced_pod("default", {"metadata": {"name": "slow"}, "spec": spec})
        first = await watched_until_running(core, "slow")
        exec_ = aio.client.CoreV1Api(sockets).connect_get_namespaced_pod_exec
        out = await exec_("slow", "default", command=["echo", "said"], stdout=True, stderr=True)
        socket = await exec_("slow", "default", command=["sh", "-c", "exit 3"], stdout=True, _preload_content=False)
        async with socket as opened:
            last = [message.data async for message in opened][-1]
        await core.delete_namespaced_pod("slow", "default")
    return [first, out, aio.stream.WsApiClient.parse_error_data(last[1:])]


async def watched_until_running(core: aio.client.CoreV1Api, name: str) -> str:
    first = ""
    selector = f"metadata.name={name}"
    async with aio.watch.Watch().stream(core.list_namespaced_pod, "default", field_selector=selector) as events:
        async for event in events:
            first = first or event["type"]
            if event["object"].status.phase == "Running":
                return first
    raise AssertionError(f"{name} was not seen running")
