"""`podlab up --split`: a lab can take one part of the control plane away and see what the others do without it."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from tests.e2e.harness import RealCluster, eventually

pytestmark = [pytest.mark.engine, pytest.mark.kubectl, pytest.mark.slow]

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: lonely}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{{name: main, image: {image}, command: [sleep, "3600"]}}]
"""


def test_without_a_scheduler_pods_stay_pending(engine: str, kubectl: Path, tmp_path: Path, busybox_image: str) -> None:
    cluster = RealCluster(tmp_path, "split", kubectl)
    try:
        cluster.podlab("up", "--split", *cluster.settings())
        os.kill(cluster.pid("scheduler"), signal.SIGTERM)
        eventually(lambda: re.search("scheduler +down", cluster.podlab("status", check=False).stdout))
        eventually(lambda: cluster.kubectl("get", "serviceaccount", "default", check=False).returncode == 0)
        cluster.kubectl("apply", "-f", "-", stdin=POD.format(image=busybox_image))
        waited = cluster.kubectl("wait", "--for=condition=PodScheduled", "pod/lonely", "--timeout=2s", check=False)
        assert waited.returncode == 1
        assert cluster.get("pod", "lonely")["status"]["phase"] == "Pending"
        cluster.podlab("up")
        cluster.kubectl("wait", "--for=condition=Ready", "pod/lonely", "--timeout=30s")
        events = cluster.kubectl("get", "events", "--field-selector=reason=Scheduled").stdout
        assert "Successfully assigned default/lonely to node-1" in events
    finally:
        cluster.podlab("down", "--purge", check=False)
