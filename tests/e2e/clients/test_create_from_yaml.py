"""The official Python client's `utils`: many kinds from one file."""

from __future__ import annotations

from pathlib import Path

import pytest
from kubernetes import client, utils

pytestmark = [pytest.mark.engine, pytest.mark.kubectl]


_SEVERAL = """
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ServiceAccount, metadata: {name: runner}}
- {apiVersion: v1, kind: Secret, metadata: {name: word}, stringData: {word: open}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 1 * * *"
  suspend: true
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: none}]}}}}
"""


def test_create_from_yaml(api: client.ApiClient, core: client.CoreV1Api, space: str, tmp_path: Path) -> None:
    file = tmp_path / "several.yaml"
    file.write_text(_SEVERAL)
    made = [each.kind for group in utils.create_from_yaml(api, str(file), namespace=space) for each in group]
    assert len(made) == 5
    assert core.read_namespaced_secret("word", space).data == {"word": "b3Blbg=="}
    assert core.read_namespaced_service("web", space).spec.cluster_ip.startswith("10.")
    with pytest.raises(utils.FailToCreateError) as failed:
        utils.create_from_yaml(
            api, yaml_objects=[{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "word"}}], namespace=space
        )
    assert failed.value.api_exceptions[0].status == 409
