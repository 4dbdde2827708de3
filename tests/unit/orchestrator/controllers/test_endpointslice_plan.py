from __future__ import annotations

from orchestrator.api.meta import Object, controller_of, labels, uid
from orchestrator.controllers.endpoint import endpoints
from orchestrator.controllers.endpointslice_plan import MANAGER, plan
from orchestrator.controllers.slices import CAPACITY, MANAGED_BY, SERVICE_NAME, Plan
from tests.unit.orchestrator.controllers.objects import meta, pod, service

SERVICE = service()


def pods(count: int, start: int = 0) -> list[Object]:
    return [pod(f"pod-{n}", ip=f"10.0.{n // 250}.{n % 250}") for n in range(start, start + count)]


def stored(slice: Object) -> Object:
    """As the server keeps it."""
    name = slice["metadata"].get("name") or f"web-{meta('x')['uid']}"
    return {**slice, "metadata": {**meta(name), **slice["metadata"], "name": name}}


def decide(members: list[Object], slices: list[Object]) -> Plan:
    return plan(SERVICE, endpoints(SERVICE, members), slices)


def apply(result: Plan, slices: list[Object]) -> list[Object]:
    written = {uid(each): each for each in result.update}
    gone = {uid(each) for each in result.delete}
    kept = [written.get(uid(each), each) for each in slices if uid(each) not in gone]
    return kept + [stored(each) for each in result.create]


def sizes(slices: list[Object]) -> list[int]:
    return sorted(len(each["endpoints"]) for each in slices)


def test_a_slice_names_its_service_and_is_owned_by_it() -> None:
    (made,) = decide(pods(1), []).create
    assert labels(made) == {"team": "shop", SERVICE_NAME: "web", MANAGED_BY: MANAGER}
    assert (controller_of(made) or {})["uid"] == uid(SERVICE)
    assert made["metadata"]["generateName"] == "web-"
    assert (made["addressType"], made["ports"]) == ("IPv4", [{"name": "", "port": 8080, "protocol": "TCP"}])
    (entry,) = made["endpoints"]
    assert entry["addresses"] == ["10.0.0.0"]
    assert entry["conditions"] == {"ready": True, "serving": True, "terminating": False}
    assert (entry["nodeName"], entry["targetRef"]["kind"]) == ("node-1", "Pod")


def test_slices_hold_a_hundred() -> None:
    assert sizes(apply(decide(pods(250), []), [])) == [50, CAPACITY, CAPACITY]


def test_one_change_writes_one_slice() -> None:
    members = pods(250)
    slices = apply(decide(members, []), [])
    members[120]["status"]["conditions"][0]["status"] = "False"
    result = decide(members, slices)
    assert (result.create, len(result.update), result.delete) == ([], 1, [])
    assert decide(members, apply(result, slices)) == Plan()


def test_newcomers_go_where_something_is_written_anyway() -> None:
    members = pods(150)
    slices = apply(decide(members, []), [])
    result = decide(members[5:] + pods(5, start=200), slices)
    assert (result.create, len(result.update), result.delete) == ([], 1, [])


def test_newcomers_fill_the_fullest_slice_with_room() -> None:
    members = pods(150)
    slices = apply(decide(members, []), [])
    after = apply(decide(members + pods(30, start=200), slices), slices)
    assert sizes(after) == [80, 100]


def test_a_service_without_pods_keeps_one_empty_slice() -> None:
    (empty,) = apply(decide([], []), [])
    assert (empty["endpoints"], empty["ports"]) == ([], [])
    assert decide([], [empty]) == Plan()
    absent = {field: value for field, value in empty.items() if field not in ("ports", "endpoints")}
    assert decide([], [absent]) == Plan()


def test_a_slice_is_reused_rather_than_deleted_and_made_anew() -> None:
    (empty,) = apply(decide([], []), [])
    result = decide(pods(2), [empty])
    assert (result.create, result.delete) == ([], [])
    assert uid(result.update[0]) == uid(empty)
    back = decide([], apply(result, [empty]))
    assert (back.create, back.delete, [uid(each) for each in back.update]) == ([], [], [uid(empty)])


def test_pods_with_other_ports_have_slices_of_their_own() -> None:
    named = service(ports=[{"name": "http", "port": 80, "targetPort": "http"}])
    old, new = pods(2)
    for each, number in ((old, 8080), (new, 9090)):
        each["spec"]["containers"][0]["ports"] = [{"name": "http", "containerPort": number}]
    created = plan(named, endpoints(named, [old, new]), []).create
    assert sorted(each["ports"][0]["port"] for each in created) == [8080, 9090]


def test_new_labels_of_the_service_reach_its_slices() -> None:
    members = pods(1)
    slices = apply(decide(members, []), [])
    renamed = {**SERVICE, "metadata": {**SERVICE["metadata"], "labels": {"team": "search"}}}
    (updated,) = plan(renamed, endpoints(renamed, members), slices).update
    assert labels(updated)["team"] == "search"
