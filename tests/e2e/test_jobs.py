"""Jobs and CronJobs on real containers, as a user of kubectl meets them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.e2e.harness import RealCluster, eventually

pytestmark = [pytest.mark.engine, pytest.mark.kubectl]


def manifest(name: str, image: str, command: str, **spec: Any) -> str:
    pod = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "main", "image": image, "command": ["sh", "-c", command]}],
    }
    job = {"metadata": {"name": name}, "spec": {"template": {"spec": pod}, **spec}}
    return json.dumps({"apiVersion": "batch/v1", "kind": "Job", **job})


def reasons(cluster: RealCluster, kind: str, name: str) -> set[str]:
    """Of the events about an object."""
    selector = f"--field-selector=involvedObject.kind={kind},involvedObject.name={name}"
    return {event["reason"] for event in cluster.get("events", selector)["items"]}


def conditions(cluster: RealCluster, name: str) -> dict[str, str]:
    """Types and reasons of those that are true."""
    found = cluster.get("job", name)["status"].get("conditions") or []
    return {entry["type"]: entry.get("reason", "") for entry in found if entry["status"] == "True"}


def test_the_main_story(cluster: RealCluster, busybox_image: str) -> None:
    cluster.kubectl("create", "job", "hello", f"--image={busybox_image}", "--", "echo", "good morning")
    cluster.kubectl("wait", "--for=condition=complete", "job/hello", "--timeout=30s")
    assert cluster.kubectl("logs", "job/hello").stdout == "good morning\n"
    row = cluster.kubectl("get", "jobs").stdout.splitlines()[1].split()
    assert row[:3] == ["hello", "Complete", "1/1"]
    eventually(lambda: {"SuccessfulCreate", "Completed"} <= reasons(cluster, "Job", "hello"))
    told = cluster.kubectl("describe", "job", "hello").stdout
    assert re.search(r"Pods Statuses:\s+0 Active \(0 Ready\) / 1 Succeeded / 0 Failed", told)
    assert re.search(r"Normal\s+Completed\s.*job-controller\s+Job completed", told)
    (pod,) = cluster.get("pods", "-l", "job-name=hello")["items"]
    assert not pod["metadata"].get("finalizers")
    cluster.kubectl("delete", "job", "hello")
    eventually(lambda: not cluster.get("pods", "-l", "job-name=hello")["items"])


def test_every_index_has_its_own_work_and_its_own_failures(cluster: RealCluster, busybox_image: str) -> None:
    command = "echo $JOB_COMPLETION_INDEX $(hostname); test $JOB_COMPLETION_INDEX != 1"
    spec = {"completions": 3, "parallelism": 2, "completionMode": "Indexed", "backoffLimitPerIndex": 0}
    cluster.kubectl("apply", "-f", "-", stdin=manifest("parts", busybox_image, command, **spec))
    cluster.kubectl("wait", "--for=condition=failed", "job/parts", "--timeout=30s")
    status = cluster.get("job", "parts")["status"]
    assert (status["completedIndexes"], status["failedIndexes"]) == ("0,2", "1")
    assert (status["succeeded"], status["failed"]) == (2, 1)
    assert conditions(cluster, "parts") == {"FailureTarget": "FailedIndexes", "Failed": "FailedIndexes"}
    for index in range(3):
        selector = f"job-name=parts,batch.kubernetes.io/job-completion-index={index}"
        assert cluster.kubectl("logs", "-l", selector).stdout == f"{index} parts-{index}\n"
    cluster.kubectl("delete", "job", "parts")


def test_a_policy_ends_a_job_that_cannot_succeed(cluster: RealCluster, busybox_image: str) -> None:
    rule = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}
    made = manifest("hopeless", busybox_image, "exit 42", podFailurePolicy={"rules": [rule]})
    cluster.kubectl("apply", "-f", "-", stdin=made)
    cluster.kubectl("wait", "--for=condition=failed", "job/hopeless", "--timeout=30s")
    (message,) = {entry["message"] for entry in cluster.get("job", "hopeless")["status"]["conditions"]}
    pattern = r"Container main for pod default/hopeless-\w+ failed with exit code 42 matching FailJob rule at index 0"
    assert re.fullmatch(pattern, message)
    cluster.kubectl("delete", "job", "hopeless")


def test_a_job_is_suspended_resumed_and_stopped_by_its_deadline(cluster: RealCluster, busybox_image: str) -> None:
    made = manifest("slow", busybox_image, "sleep 600", suspend=True, activeDeadlineSeconds=2)
    cluster.kubectl("apply", "-f", "-", stdin=made)
    cluster.kubectl("wait", "--for=condition=suspended", "job/slow", "--timeout=30s")
    assert not cluster.get("pods", "-l", "job-name=slow")["items"]
    cluster.kubectl("patch", "job", "slow", "--type=merge", "-p", '{"spec": {"suspend": false}}')
    cluster.kubectl("wait", "--for=condition=failed", "job/slow", "--timeout=30s")
    assert conditions(cluster, "slow") == {"FailureTarget": "DeadlineExceeded", "Failed": "DeadlineExceeded"}
    assert cluster.get("job", "slow")["status"]["failed"] == 1
    assert not cluster.get("pods", "-l", "job-name=slow")["items"]
    told = {"Suspended", "Resumed", "SuccessfulCreate", "SuccessfulDelete", "DeadlineExceeded"}
    eventually(lambda: told <= reasons(cluster, "Job", "slow"))
    cluster.kubectl("patch", "job", "slow", "--type=merge", "-p", '{"spec": {"ttlSecondsAfterFinished": 0}}')
    cluster.kubectl("wait", "--for=delete", "job/slow", "--timeout=30s")


def test_a_cron_job_runs_by_its_schedule(cluster: RealCluster, busybox_image: str) -> None:
    create = ("create", "cronjob", "often", f"--image={busybox_image}", "--schedule=@every 1s")
    cluster.kubectl(*create, "--", "echo", "tick")
    eventually(lambda: cluster.get("cronjob", "often")["status"].get("lastSuccessfulTime"))
    cluster.kubectl("patch", "cronjob", "often", "-p", '{"spec": {"suspend": true}}')
    job = cluster.get("jobs")["items"][0]["metadata"]
    assert re.fullmatch(r"often-\d+", job["name"]) and job["ownerReferences"][0]["name"] == "often"
    assert cluster.kubectl("logs", f"job/{job['name']}").stdout == "tick\n"
    row = cluster.kubectl("get", "cronjob", "often", "--no-headers").stdout
    assert re.match(r"often +@every 1s +<none> +True +\d ", row)
    eventually(lambda: {"SuccessfulCreate", "SawCompletedJob"} <= reasons(cluster, "CronJob", "often"))
    told = cluster.kubectl("describe", "cronjob", "often").stdout
    assert re.search(r"Last Schedule Time:\s+\w{3}, ", told) and re.search(r"Suspend:\s+True", told)
    assert re.search(r"Saw completed job: often-\d+, condition: Complete", told)
    cluster.kubectl("delete", "cronjob", "often")
    eventually(lambda: not cluster.get("jobs")["items"] and not cluster.get("pods")["items"])


def test_a_cron_job_is_tried_by_hand(cluster: RealCluster, busybox_image: str) -> None:
    create = ("create", "cronjob", "yearly", f"--image={busybox_image}", "--schedule=@yearly")
    cluster.kubectl(*create, "--", "echo", "happy new year")
    cluster.kubectl("create", "job", "now", "--from=cronjob/yearly")
    cluster.kubectl("wait", "--for=condition=complete", "job/now", "--timeout=30s")
    assert cluster.kubectl("logs", "job/now").stdout == "happy new year\n"
    eventually(lambda: cluster.get("cronjob", "yearly")["status"].get("lastSuccessfulTime"))
    row = cluster.kubectl("get", "cronjobs").stdout.splitlines()[1].split()
    assert row[:6] == ["yearly", "@yearly", "<none>", "False", "0", "<none>"]
    assert re.search(r"Last Schedule Time:\s+<unset>", cluster.kubectl("describe", "cronjob", "yearly").stdout)
    cluster.kubectl("delete", "cronjob", "yearly")
    eventually(lambda: not cluster.get("jobs")["items"] and not cluster.get("pods")["items"])
