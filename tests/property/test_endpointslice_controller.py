"""Slices under every history: each endpoint in exactly one slice, none too large, nothing written twice."""

from __future__ import annotations

import itertools
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.api.meta import Object, uid
from orchestrator.controllers import slices as slicing
from orchestrator.controllers.endpoint import endpoints
from orchestrator.controllers.endpointslice_plan import plan
from tests.unit.orchestrator.controllers.objects import meta, pod, service

SERVICE = service(ports=[{"name": "http", "port": 80, "targetPort": "http"}])
#: How many pods are gone, have come, and turned unready since the last look; and the port of the new ones.
changes = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 15), st.integers(0, 5), st.sampled_from((8080, 9090))),
    min_size=1,
    max_size=8,
)


def newcomer(number: int, port: int) -> Object:
    made = pod(ip=f"10.{number // 62500}.{number // 250 % 250}.{number % 250}")
    made["spec"]["containers"][0]["ports"] = [{"name": "http", "containerPort": port}]
    return made


@mock.patch.object(slicing, "CAPACITY", 10)
@settings(max_examples=60, deadline=None)
@given(changes)
def test_slices_partition_the_endpoints(history: list[tuple[int, int, int, int]]) -> None:
    numbers = itertools.count()
    members: list[Object] = []
    slices: dict[str, Object] = {}
    for leaving, coming, turning, port in history:
        members = members[leaving:] + [newcomer(next(numbers), port) for _ in range(coming)]
        for each in members[:turning]:
            each["status"]["conditions"][0]["status"] = "False"
        wanted = endpoints(SERVICE, members)
        result = plan(SERVICE, wanted, list(slices.values()))
        for gone in result.delete:
            del slices[uid(gone)]
        for each in [
            *result.update,
            *({**made, "metadata": {**made["metadata"], **meta("s")}} for made in result.create),
        ]:
            slices[uid(each)] = each
        _assert_partition(list(slices.values()), {found.uid: found.ready for found in wanted})
        assert plan(SERVICE, wanted, list(slices.values())) == slicing.Plan()


def _assert_partition(slices: list[Object], wanted: dict[str, bool]) -> None:
    listed = [(entry["targetRef"]["uid"], entry["conditions"]["ready"]) for s in slices for entry in s["endpoints"]]
    assert len(listed) == len(dict(listed)), "an endpoint is in two slices"
    assert dict(listed) == wanted
    assert all(len(each["endpoints"]) <= slicing.CAPACITY for each in slices)
    assert slices, "a Service always has a slice"
