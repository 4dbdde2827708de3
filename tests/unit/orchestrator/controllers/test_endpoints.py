from __future__ import annotations

import time

from orchestrator.api.groups.core import ENDPOINTS, POD, SERVICE
from orchestrator.api.groups.discovery import ENDPOINT_SLICE
from orchestrator.api.meta import Object, labels, name
from orchestrator.api.times import rfc3339
from orchestrator.controllers.endpoints import EndpointsController
from orchestrator.controllers.endpointslice import EndpointSliceController
from orchestrator.controllers.endpointslice_mirroring import EndpointSliceMirroringController
from orchestrator.controllers.endpointslice_mirroring_plan import SKIP
from orchestrator.controllers.slices import SERVICE_NAME
from tests.unit.orchestrator.controllers.objects import pod, service
from tests.unit.orchestrator.controllers.world import World


def world() -> World:
    return World(EndpointsController, EndpointSliceController, kubelet=False)


def plain(made: Object) -> Object:
    made["spec"].pop("clusterIP", None)
    return made


def slices(w: World) -> list[Object]:
    return [each for each in w.all(ENDPOINT_SLICE) if labels(each).get(SERVICE_NAME) == "web"]


def in_slices(w: World) -> dict[str, bool]:
    found = [entry for each in slices(w) for entry in each.get("endpoints") or []]
    return {entry["targetRef"]["name"]: entry["conditions"]["ready"] for entry in found}


def in_endpoints(w: World) -> dict[str, bool]:
    subsets = w.client.get(ENDPOINTS, "web", "default").get("subsets") or []
    lists = (("addresses", True), ("notReadyAddresses", False))
    return {a["targetRef"]["name"]: ready for each in subsets for field, ready in lists for a in each.get(field) or []}


def both(w: World, expected: dict[str, bool]) -> bool:
    return in_slices(w) == in_endpoints(w) == expected


def set_ready(w: World, pod: str, ready: str) -> None:
    current = w.client.get(POD, pod, "default")
    conditions = [{"type": "Ready", "status": ready, "lastTransitionTime": rfc3339(w.clock.now())}]
    w.client.update_status(POD, {**current, "status": {**current["status"], "conditions": conditions}})


def test_endpoints_follow_the_pods() -> None:
    with world().running() as w:
        w.create(SERVICE, plain(service()))
        w.eventually(lambda: both(w, {}) and len(slices(w)) == 1)
        for each, ready in (("a", True), ("b", False)):
            w.create(POD, pod(each, ip=f"172.17.0.{ord(each)}", ready=ready))
        w.eventually(lambda: both(w, {"a": True, "b": False}))
        set_ready(w, "b", "True")
        w.eventually(lambda: both(w, {"a": True, "b": True}))
        w.client.delete(POD, "a", "default")
        w.eventually(lambda: in_slices(w) == {"a": False, "b": True} and in_endpoints(w) == {"b": True})
        w.client.patch(POD, "b", {"metadata": {"labels": {"app": "debug"}}}, "default")
        w.eventually(lambda: in_slices(w) == {"a": False} and in_endpoints(w) == {})
        assert len(slices(w)) == 1


def test_nothing_is_written_when_nothing_changed() -> None:
    with world().running() as w:
        w.create(SERVICE, plain(service()))
        made = w.create(POD, pod("a", ip="172.17.0.2"))
        w.eventually(lambda: both(w, {"a": True}))
        w.quiet()
        before = {name(each): each["metadata"]["resourceVersion"] for each in [*slices(w), *w.all(ENDPOINTS)]}
        w.client.patch(POD, name(made), {"metadata": {"annotations": {"note": "x"}}}, "default")
        set_ready(w, "a", "True")
        for controller in w.controllers:
            controller.queue.add("default/web")  # type: ignore[arg-type]
        w.quiet()
        assert {name(each): each["metadata"]["resourceVersion"] for each in [*slices(w), *w.all(ENDPOINTS)]} == before


def test_services_without_selector_are_left_alone() -> None:
    with world().running() as w:
        w.create(SERVICE, plain(service(selector=None)))
        mine = {"metadata": {"name": "web", "namespace": "default"}, "subsets": [{"addresses": [{"ip": "192.0.2.1"}]}]}
        w.client.create(ENDPOINTS, mine)
        w.quiet()
        assert w.client.get(ENDPOINTS, "web", "default")["subsets"] == mine["subsets"]
        assert slices(w) == []


def test_endpoints_made_by_hand_are_mirrored() -> None:
    with World(EndpointsController, EndpointSliceController, EndpointSliceMirroringController).running() as w:
        w.create(SERVICE, plain(service(selector=None)))
        subset = {
            "addresses": [{"ip": "192.0.2.1"}],
            "notReadyAddresses": [{"ip": "192.0.2.2"}],
            "ports": [{"port": 5432}],
        }
        w.client.create(ENDPOINTS, {"metadata": {"name": "web", "namespace": "default"}, "subsets": [subset]})
        (mirror,) = w.eventually(lambda: slices(w))
        assert [port["port"] for port in mirror["ports"]] == [5432]
        assert {e["addresses"][0]: e["conditions"]["ready"] for e in mirror["endpoints"]} == {
            "192.0.2.1": True,
            "192.0.2.2": False,
        }
        w.client.patch(ENDPOINTS, "web", {"subsets": [{"addresses": [{"ip": "192.0.2.3"}]}]}, "default")
        w.eventually(lambda: [e["addresses"] for s in slices(w) for e in s["endpoints"]] == [["192.0.2.3"]])
        w.quiet()
        before = w.revision()
        w.controllers[2].queue.add("default/web")  # type: ignore[arg-type]
        w.quiet()
        assert (w.revision(), len(slices(w))) == (before, 1)
        w.client.patch(ENDPOINTS, "web", {"metadata": {"labels": {SKIP: "true"}}}, "default")
        w.eventually(lambda: slices(w) == [])


def test_what_somebody_else_changed_is_put_right() -> None:
    with world().running() as w:
        w.create(SERVICE, plain(service()))
        w.create(POD, pod("a", ip="172.17.0.2"))
        w.eventually(lambda: both(w, {"a": True}))
        w.client.delete(ENDPOINT_SLICE, name(slices(w)[0]), "default")
        w.client.patch(ENDPOINTS, "web", {"subsets": []}, "default")
        w.eventually(lambda: both(w, {"a": True}))


def test_endpoints_go_with_their_service() -> None:
    with world().running() as w:
        w.create(SERVICE, plain(service()))
        w.eventually(lambda: in_endpoints(w) == {})
        w.client.delete(SERVICE, "web", "default")
        w.eventually(lambda: "web" not in map(name, w.all(ENDPOINTS)))


def test_a_pod_that_turns_ready_is_published_within_milliseconds() -> None:
    w = world()
    published: dict[str, float] = {}

    def note(old: Object | None, new: Object | None) -> None:
        for entry in (new or {}).get("endpoints") or []:
            if entry["conditions"]["ready"] and "targetRef" in entry:
                published.setdefault(entry["targetRef"]["name"], time.monotonic())

    w.informers.of(ENDPOINT_SLICE).add_handler(note)
    with w.running():
        w.create(SERVICE, plain(service()))
        delays = []
        for number in range(10):
            w.create(POD, pod(f"p{number}", ip=f"172.17.0.{number}", ready=False))
            w.eventually(lambda number=number: f"p{number}" in in_slices(w))
            start = time.monotonic()
            set_ready(w, f"p{number}", "True")
            w.eventually(lambda number=number: f"p{number}" in published)
            delays.append(published[f"p{number}"] - start)
    # The median: a busy machine may hold up any single one.
    assert sorted(delays)[5] < 0.1
