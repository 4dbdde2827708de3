"""The life of a pod, and what goes wrong in it, with real containers: each fault has its reason and its event."""

from __future__ import annotations

import subprocess
from dataclasses import replace

from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Object, condition, status
from orchestrator.api.request import STRATEGIC_PATCH
from tests.fakes.agent import Lab, eventually
from tests.fakes.pods import container, pod
from tests.faults.test_agent_engine import busybox as busybox
from tests.faults.test_agent_engine import pytestmark as pytestmark
from tests.faults.test_agent_engine import runtime as runtime
from tests.faults.test_agent_engine import sleeper
from tests.faults.test_agent_engine import world as world


def script(image: str, text: str, name: str = "app", **fields: object) -> Object:
    return container(name, image, command=["sh", "-c", text], **fields)


def terminated(world: Lab, name: str, container: str = "app") -> Object:
    def found() -> Object | None:
        entry = world.entry(name, container)
        return entry.get("state", {}).get("terminated") or entry.get("lastState", {}).get("terminated")

    end = eventually(found, 20)
    assert end is not None
    return end


def shell(world: Lab, name: str, text: str) -> str:
    result = world.runtime.exec(world.running(name).id, ["sh", "-c", text], 10)
    return result.output.decode().strip()


def test_last_words_of_a_file_and_of_a_log(world: Lab, busybox: str) -> None:
    fallback = {"terminationMessagePolicy": "FallbackToLogsOnError"}
    both = pod(
        "words",
        script(
            busybox,
            "echo logged; echo written > /dev/termination-log; exit 3",
            "file",
            securityContext={"runAsUser": 1000},
        ),
        script(busybox, "seq 1 100; exit 1", "log", **fallback),
        restartPolicy="Never",
    )
    world.create(both)
    assert terminated(world, "words", "file")["message"] == "written\n"
    end = terminated(world, "words", "log")
    assert end["message"] == "".join(f"{number}\n" for number in range(21, 101))
    assert (end["reason"], end["exitCode"]) == ("Error", 1)


def test_ends_and_their_reasons(world: Lab, busybox: str) -> None:
    world.create(
        pod(
            "ends",
            script(busybox, "exit 0", "well"),
            script(busybox, "tail /dev/zero", "greedy", resources={"limits": {"memory": "16Mi"}}),
            container("nothing", busybox, command=["/no/such/program"]),
            restartPolicy="Never",
        )
    )
    assert terminated(world, "ends", "well")["reason"] == "Completed"
    assert terminated(world, "ends", "greedy")["reason"] == "OOMKilled"
    nothing = terminated(world, "ends", "nothing")
    assert (nothing["reason"], nothing["exitCode"]) == ("StartError", 127)
    assert "no such file or directory" in nothing["message"]
    assert "no such file or directory" in eventually(lambda: world.told("ends", "Failed"))
    eventually(lambda: status(world.pod("ends"))["phase"] == "Failed")


def test_limits_below_the_engines_least(world: Lab, busybox: str) -> None:
    world.create(pod("tiny", sleeper(busybox, resources={"limits": {"memory": "1Mi"}})))
    eventually(lambda: world.waiting("tiny") == "CreateContainerError")
    assert "memory" in world.entry("tiny")["state"]["waiting"]["message"].lower()
    assert eventually(lambda: world.told("tiny", "Failed")).startswith("Error: ")


def test_a_container_that_does_not_heed_the_signal(world: Lab, busybox: str) -> None:
    world.create(
        pod("deaf", script(busybox, "trap '' TERM; while :; do sleep 0.1; done"), terminationGracePeriodSeconds=1)
    )
    eventually(lambda: world.running("deaf"))
    world.client.delete(POD, "deaf", "default")
    eventually(lambda: world.gone("deaf") and not world.containers("deaf"))


def test_a_fork_bomb_stays_within_its_limit(world: Lab, busybox: str) -> None:
    """4096 would make the test slow: a shell that may not go beyond 40 shows the same."""
    world.stop()
    world.settings = replace(world.settings, pod_pids_limit=40)
    world.start()
    bomb = "sh -c 'while :; do sleep 60 & done'; exec sleep 600"
    world.create(pod("bomb", script(busybox, bomb)))
    id = eventually(lambda: world.running("bomb")).id
    eventually(lambda: b"fork" in b"".join(world.runtime.logs(id)))
    top = subprocess.run(["docker", "top", id, "-o", "pid"], capture_output=True, text=True, check=True).stdout
    assert 30 < len(top.split()) <= 41, "a head line, and 40 at most"
    world.client.delete(POD, "bomb", "default", grace_seconds=1)
    eventually(lambda: world.gone("bomb"))


def test_sidecars_start_before_and_end_after_in_reverse(world: Lab, busybox: str) -> None:
    volume = {"volumeMounts": [{"name": "log", "mountPath": "/log"}]}

    def noted(name: str, **fields: object) -> Object:
        text = f"trap 'echo -{name} >> /log/all; exit' TERM; echo +{name} >> /log/all; while :; do sleep 0.05; done"
        return script(busybox, text, name, **volume, **fields)

    up = {"startupProbe": {"exec": {"command": ["grep", "-q", "+", "/log/all"]}, "periodSeconds": 1}}
    init = [noted("one", restartPolicy="Always", **up), noted("two", restartPolicy="Always")]
    app = script(busybox, "echo +app >> /log/all; sleep 0.3; echo -app >> /log/all", "app", **volume)
    folder = [{"name": "log", "hostPath": {"path": str(world.settings.home / "log"), "type": "DirectoryOrCreate"}}]
    world.create(pod("job", app, init=init, restartPolicy="Never", volumes=folder))
    eventually(lambda: status(world.pod("job")).get("phase") == "Succeeded", 20)
    lines = (world.settings.home / "log" / "all").read_text().split()
    assert lines == ["+one", "+two", "+app", "-app", "-two", "-one"]


def test_limits_change_in_the_running_container(world: Lab, busybox: str) -> None:
    sized = {"requests": {"cpu": "100m", "memory": "32Mi"}, "limits": {"cpu": "200m", "memory": "64Mi"}}
    world.create(pod("sized", sleeper(busybox, resources=sized)))
    eventually(lambda: world.ready("sized"))
    id = world.running("sized").id
    wanted = {"limits": {"cpu": "400m", "memory": "96Mi"}}
    patch = {"spec": {"containers": [{"name": "app", "resources": wanted}]}}
    world.client.patch(POD, "sized", patch, "default", subresource="resize", content_type=STRATEGIC_PATCH)
    eventually(lambda: world.entry("sized").get("resources", {}).get("limits") == wanted["limits"])
    memory = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max"
    assert shell(world, "sized", memory) == str(96 << 20)
    assert world.running("sized").id == id
    assert condition(world.pod("sized"), "PodResizePending") is None


def test_a_hook_that_fails_ends_its_container(world: Lab, busybox: str) -> None:
    hooks = {"postStart": {"exec": {"command": ["sh", "-c", "echo no luck; exit 1"]}}}
    world.create(
        pod("hooked", sleeper(busybox, lifecycle=hooks), restartPolicy="Never", terminationGracePeriodSeconds=2)
    )
    assert eventually(lambda: world.told("hooked", "FailedPostStartHook")).strip() == "PostStartHook failed: no luck"
    terminated(world, "hooked")


def test_a_probe_that_never_answers_costs_the_container_its_readiness_and_its_life(world: Lab, busybox: str) -> None:
    probe = {"exec": {"command": ["sleep", "60"]}, "timeoutSeconds": 1, "periodSeconds": 1, "failureThreshold": 1}
    slow = sleeper(busybox, livenessProbe=probe, readinessProbe=probe)
    world.create(pod("slow", slow, terminationGracePeriodSeconds=1))
    told = eventually(lambda: world.told("slow", "Unhealthy"))
    assert "probe failed: command 'sleep 60' timed out after 1s" in told
    eventually(lambda: world.entry("slow").get("restartCount") == 1, 20)
    assert not world.ready("slow")
    assert "Container app failed liveness probe, will be restarted" in [text for _, text in world.events("slow")]
