from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from orchestrator.api.meta import Object, finalizers, owner_reference, owner_references, uid
from orchestrator.controllers import garbagecollector_plan as plans
from orchestrator.controllers.garbagecollector_plan import FOREGROUND, ORPHAN, Plan, State
from tests.unit.orchestrator.controllers.objects import pod, replica_set


def plan(obj: Object, owners: Mapping[str, State], dependents: Sequence[Object]) -> Plan:
    """Where the dependents have none themselves."""
    return plans.plan(obj, owners, dependents, lambda asked: dependents if asked is obj else ())


def deleting(obj: Object, *marks: str) -> Object:
    obj["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": list(marks)}
    return obj


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], ""),
        (["live"], ""),
        (["absent"], "Background"),
        (["absent", "absent"], "Background"),
        (["waiting"], "Background"),
        (["waiting", "absent"], "Background"),
    ],
)
def test_an_object_goes_when_its_last_owner_does(states: list[State], expected: str) -> None:
    owners = {f"owner-{n}": state for n, state in enumerate(states)}
    assert plan(pod(), owners, []) == Plan(delete=expected)


def test_owners_that_are_gone_are_forgotten_while_another_is_there() -> None:
    lives, gone = replica_set("lives"), replica_set("gone")
    shared = pod(owner=lives)
    shared["metadata"]["ownerReferences"].append(owner_reference(gone, controller=False))
    result = plan(shared, {uid(lives): "live", uid(gone): "absent"}, [])
    assert result.delete == ""
    assert [ref["uid"] for ref in owner_references(result.write[0])] == [uid(lives)]


def test_a_dependent_with_dependents_goes_in_the_foreground_too() -> None:
    middle = replica_set()
    assert plan(middle, {"top": "waiting"}, [pod(owner=middle)]).delete == "Foreground"


def test_a_circle_is_broken() -> None:
    one = replica_set("one")
    two = replica_set("two")
    two["metadata"]["ownerReferences"] = [owner_reference(one)]
    one["metadata"]["ownerReferences"] = [owner_reference(two)]
    deleting(one, FOREGROUND)
    (unblocked,) = plan(two, {uid(one): "waiting"}, [one]).write
    assert [ref["blockOwnerDeletion"] for ref in owner_references(unblocked)] == [False]


def test_a_circle_that_waits_for_itself_is_broken() -> None:
    """Each was deleted, and told to wait for what it owns."""
    one, two, last = replica_set("one"), replica_set("two"), replica_set("last")
    owned = {"one": [two], "two": [last], "last": [one]}
    for owner, (dependent,) in zip((one, two, last), owned.values(), strict=True):
        dependent["metadata"]["ownerReferences"] = [owner_reference(owner)]
    for each in (one, two):
        deleting(each, FOREGROUND)

    def judged() -> Plan:
        return plans.plan(one, {}, [two], lambda asked: owned[asked["metadata"]["name"]])

    assert judged() == Plan(revisit=[two]), "the last may go yet"
    deleting(last, FOREGROUND)
    (unblocked,) = judged().write
    assert [ref["blockOwnerDeletion"] for ref in owner_references(unblocked)] == [False]
    assert FOREGROUND in finalizers(unblocked)


def test_foreground_waits_for_those_that_block() -> None:
    owner = deleting(replica_set(), FOREGROUND, "mine")
    blocking, other = pod(owner=owner), pod(owner=owner)
    other["metadata"]["ownerReferences"][0]["blockOwnerDeletion"] = False
    assert plan(owner, {}, [blocking, other]) == Plan(revisit=[blocking])
    (released,) = plan(owner, {}, [other]).write
    assert finalizers(released) == ["mine"]


def test_an_object_that_owns_itself_does_not_wait_for_itself() -> None:
    owner = deleting(replica_set(), FOREGROUND)
    owner["metadata"]["ownerReferences"] = [owner_reference(owner)]
    assert finalizers(plan(owner, {}, [owner]).write[0]) == []


def test_orphans_forget_their_owner_before_it_goes() -> None:
    owner = deleting(replica_set(), ORPHAN)
    first, last = plan(owner, {}, [pod(owner=owner)]).write
    assert owner_references(first) == []
    assert (uid(last), finalizers(last)) == (uid(owner), [])


def test_a_deletion_that_waits_for_somebody_else_is_left_alone() -> None:
    assert plan(deleting(replica_set(), "backup"), {}, [pod()]) == Plan()


@pytest.mark.parametrize(
    ("mark", "expected"), [(ORPHAN, "Orphan"), (FOREGROUND, "Foreground"), ("backup", "Background")]
)
def test_a_wish_for_the_dependents_is_kept(mark: str, expected: str) -> None:
    obj = pod()
    obj["metadata"]["finalizers"] = [mark]
    assert plan(obj, {"owner": "absent"}, []).delete == expected
