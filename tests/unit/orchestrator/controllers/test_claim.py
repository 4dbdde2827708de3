from __future__ import annotations

from orchestrator.api.meta import Object, controller_of, name, uid
from orchestrator.api.selectors import label_selector
from orchestrator.controllers.claim import claim, without_owner
from tests.unit.orchestrator.controllers.objects import pod, replica_set

SELECTOR = label_selector({"matchLabels": {"app": "web"}})


def names(objects: list[Object]) -> list[str]:
    return [name(obj) for obj in objects]


def test_members_orphans_and_strangers() -> None:
    owner, other = replica_set(), replica_set("other")
    candidates = [
        pod("mine", owner=owner),
        pod("renegade", owner=owner, labels={"app": "none"}),
        pod("orphan"),
        pod("unrelated", labels={"app": "none"}),
        pod("others", owner=other),
        pod("dying-orphan", deleting=True),
        pod("dying-renegade", owner=owner, labels={"app": "none"}, deleting=True),
    ]
    claims = claim(owner, SELECTOR, candidates)
    assert names(claims.owned) == ["mine"]
    assert names(claims.adopt) == ["orphan"]
    assert names(claims.release) == ["renegade"]
    assert controller_of(claims.adopt[0]) == {**(controller_of(candidates[0]) or {})}
    assert controller_of(claims.release[0]) is None
    assert controller_of(candidates[2]) is None, "cached objects must not be changed"


def test_an_owner_that_goes_claims_nothing_new() -> None:
    owner = replica_set()
    owner["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    claims = claim(owner, SELECTOR, [pod("orphan"), pod("renegade", owner=owner, labels={"app": "none"})])
    assert (names(claims.owned), claims.adopt, claims.release) == (["renegade"], [], [])


def test_letting_go_keeps_other_owners() -> None:
    owner, friend = replica_set(), replica_set("friend")
    shared = pod(owner=owner)
    shared["metadata"]["ownerReferences"].append({"uid": uid(friend)})
    assert without_owner(shared, uid(owner))["metadata"]["ownerReferences"] == [{"uid": uid(friend)}]
    assert "ownerReferences" not in without_owner(shared, uid(owner), uid(friend))["metadata"]
