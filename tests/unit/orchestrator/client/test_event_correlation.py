from __future__ import annotations

import dataclasses

from orchestrator.client.event_correlation import (
    BURST,
    COMBINED,
    MEMORY,
    REFILL_SECONDS,
    SIMILAR_EVENTS,
    SIMILAR_INTERVAL,
    Correlator,
    Happening,
    Report,
)

POD = ("v1", "Pod", "ns", "web", "uid-1")
PULLING = Happening("kubelet", POD, "", "Normal", "Pulling", "pulling image a")


def told(message: str, about: Happening = PULLING) -> Happening:
    return dataclasses.replace(about, message=message)


def test_the_same_again_raises_the_count_of_the_first() -> None:
    correlator = Correlator()
    reports = [correlator.correlate(PULLING, f"web.{n}", 100.0 + n) for n in range(3)]
    assert reports == [Report("web.0", "pulling image a", n + 1, 100.0, 100.0 + n) for n in range(3)]


def test_what_differs_is_an_event_of_its_own() -> None:
    correlator = Correlator()
    others = [
        told("pulling image b"),
        dataclasses.replace(PULLING, reason="Pulled"),
        dataclasses.replace(PULLING, type="Warning"),
        dataclasses.replace(PULLING, field_path="spec.containers{a}"),
        dataclasses.replace(PULLING, target=(*POD[:-1], "uid-2")),
        dataclasses.replace(PULLING, component="scheduler"),
    ]
    for number, happening in enumerate([PULLING, *others]):
        report = correlator.correlate(happening, f"web.{number}", 1.0)
        assert report == Report(f"web.{number}", happening.message, 1, 1.0, 1.0)


def test_many_similar_events_are_combined() -> None:
    correlator = Correlator()
    reports = [correlator.correlate(told(f"message {n}"), f"web.{n}", float(n)) for n in range(SIMILAR_EVENTS + 3)]
    alone, combined = reports[: SIMILAR_EVENTS - 1], reports[SIMILAR_EVENTS - 1 :]
    assert [report.count for report in alone if report] == [1] * (SIMILAR_EVENTS - 1)
    name = f"web.{SIMILAR_EVENTS - 1}"
    assert combined == [
        Report(name, f"{COMBINED}message {n}", n - SIMILAR_EVENTS + 2, SIMILAR_EVENTS - 1.0, float(n))
        for n in range(SIMILAR_EVENTS - 1, SIMILAR_EVENTS + 3)
    ]


def test_similar_events_far_apart_are_not_combined() -> None:
    correlator = Correlator()
    for n in range(SIMILAR_EVENTS * 2):
        report = correlator.correlate(told(f"message {n}"), f"web.{n}", n * (SIMILAR_INTERVAL + 1))
        assert report is not None
        assert report.message == f"message {n}"


def test_a_flood_about_one_object_is_cut_short_and_flows_on_slowly() -> None:
    correlator = Correlator()
    flood = [correlator.correlate(PULLING, "web.0", 0.0) for _ in range(BURST + 5)]
    assert [report is not None for report in flood] == [True] * BURST + [False] * 5
    other = dataclasses.replace(PULLING, target=(*POD[:-2], "db", "uid-2"))
    assert correlator.correlate(other, "db.0", 0.0) is not None
    assert correlator.correlate(PULLING, "web.1", REFILL_SECONDS - 1) is None
    later = correlator.correlate(PULLING, "web.2", REFILL_SECONDS + 1)
    assert later is not None
    assert later.count == BURST + 7, "those that were not told are counted"


def test_a_clock_that_goes_back_does_no_harm() -> None:
    correlator = Correlator()
    assert correlator.correlate(PULLING, "web.0", 1000.0) is not None
    assert correlator.correlate(PULLING, "web.0", 10.0) is not None


def test_memory_is_bounded() -> None:
    correlator = Correlator()
    assert correlator.correlate(PULLING, "first", 0.0)
    for n in range(MEMORY):
        correlator.correlate(dataclasses.replace(PULLING, target=(*POD[:-1], f"uid-{n + 2}")), "other", 0.0)
    again = correlator.correlate(PULLING, "second", 0.0)
    assert again is not None
    assert (again.name, again.count) == ("second", 1)
