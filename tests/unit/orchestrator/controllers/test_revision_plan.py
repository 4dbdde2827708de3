from __future__ import annotations

from orchestrator.api.meta import Object, labels, name
from orchestrator.controllers import revision_plan as plans
from tests.unit.orchestrator.controllers.objects import stateful_set


def history(*images: str) -> list[Object]:
    return [
        plans.new_revision(stateful_set(image=image), number, 0, "hash") for number, image in enumerate(images, start=1)
    ]


def test_a_new_template_gets_the_next_number() -> None:
    assert plans.target(stateful_set(image="a"), []) == plans.Target(None, 1)
    assert plans.target(stateful_set(image="c"), history("a", "b")) == plans.Target(None, 3)


def test_an_old_template_gets_a_new_number_and_the_newest_keeps_its_own() -> None:
    old, new = history("a", "b")
    assert plans.target(stateful_set(image="b"), [old, new]) == plans.Target(new, 2)
    assert plans.target(stateful_set(image="a"), [old, new]) == plans.Target(old, 3)


def test_a_revision_brings_its_template_back() -> None:
    sts = stateful_set(image="a")
    sts["metadata"]["annotations"] = {"kubernetes.io/change-cause": "why"}
    made = plans.new_revision(sts, 1, 0, "hash")
    assert made["data"]["spec"]["template"]["$patch"] == "replace"
    assert plans.template_of(made) == sts["spec"]["template"]
    assert made["metadata"]["annotations"] == {"kubernetes.io/change-cause": "why"}
    assert name(made) == f"web-{labels(made)['hash']}"


def test_a_collision_gives_another_name() -> None:
    sts = stateful_set(image="a")
    assert name(plans.new_revision(sts, 1, 0, "hash")) != name(plans.new_revision(sts, 1, 1, "hash"))


def test_the_oldest_that_nobody_uses_go_first() -> None:
    revisions = history("a", "b", "c", "d")
    a, b, c, d = revisions
    limited = stateful_set(revisionHistoryLimit=1)
    assert plans.outdated(limited, revisions, {name(d)}) == [a, b]
    assert plans.outdated(limited, revisions, {name(d), name(a)}) == [b]
    assert plans.outdated(stateful_set(revisionHistoryLimit=0), revisions, {name(d)}) == [a, b, c]
    assert plans.outdated(stateful_set(revisionHistoryLimit=-1), revisions, set()) == []


def test_duplicates_are_of_the_same_template() -> None:
    a, b = history("a", "b")
    again = plans.new_revision(stateful_set(image="a"), 3, 1, "hash")
    assert plans.duplicates([a, b, again], again) == [a]
