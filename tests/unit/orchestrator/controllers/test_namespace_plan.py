from __future__ import annotations

from orchestrator.api.meta import Object
from orchestrator.controllers.namespace_plan import Remains, finalized, next_status
from tests.unit.orchestrator.controllers.objects import NOW, meta, pod

NAMESPACE: Object = {
    "metadata": meta("shop"),
    "spec": {"finalizers": ["kubernetes", "example.com/audit"]},
    "status": {"phase": "Terminating"},
}


def states(remains: Remains) -> dict[str, tuple[str, str]]:
    conditions = next_status(NAMESPACE, remains, NOW)["conditions"]
    return {c["type"].removeprefix("Namespace"): (c["status"], c["message"]) for c in conditions}


def test_an_empty_namespace() -> None:
    assert {state for state, _ in states(Remains()).values()} == {"False"}
    assert Remains().none


def test_what_is_left_is_counted() -> None:
    remains = Remains()
    held = pod()
    held["metadata"]["finalizers"] = ["example.com/backup"]
    remains.add("pods", [held, pod()])
    found = states(remains)
    assert found["ContentRemaining"] == ("True", "Some resources are remaining: pods has 2 resource instances")
    assert found["FinalizersRemaining"] == (
        "True",
        "Some content in the namespace has finalizers remaining: example.com/backup in 1 resource instances",
    )
    assert found["DeletionContentFailure"][0] == "False"
    assert not remains.none


def test_what_failed_is_told() -> None:
    found = states(Remains(failures=["pods: no"]))
    assert found["DeletionContentFailure"] == ("True", "Failed to delete all resource types, 1 remaining: pods: no")


def test_only_its_own_finalizer_is_removed() -> None:
    assert finalized(NAMESPACE)["spec"]["finalizers"] == ["example.com/audit"]
