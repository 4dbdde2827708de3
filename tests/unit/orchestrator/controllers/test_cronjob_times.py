from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.api import cron
from orchestrator.controllers.cronjob_times import latest, missed, upcoming

UTC = ZoneInfo("Etc/UTC")
BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: ZoneInfo = UTC, *, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


@pytest.mark.parametrize(
    ("schedule", "now", "then"),
    [
        ("* * * * *", "2026-01-31T10:00:00", "2026-01-31T10:01:00"),
        ("* * * * *", "2026-01-31T10:00:59", "2026-01-31T10:01:00"),
        ("*/5 * * * *", "2026-01-31T10:02:30", "2026-01-31T10:05:00"),
        ("59 23 * * *", "2026-12-31T23:59:00", "2027-01-01T23:59:00"),
        ("0 0 1 * *", "2026-01-31T10:00:00", "2026-02-01T00:00:00"),
        ("@yearly", "2026-01-01T00:00:00", "2027-01-01T00:00:00"),
        ("30 6-16/4 * * 1-5", "2026-01-30T14:30:00", "2026-02-02T06:30:00"),
        ("0 0 29 2 *", "2026-01-01T00:00:00", "2028-02-29T00:00:00"),
        ("0 12 13 * fri", "2026-01-10T00:00:00", "2026-01-13T12:00:00"),
        ("0 12 */2 * fri", "2026-01-09T13:00:00", "2026-01-11T12:00:00"),
        ("0 0 * * 0", "2026-01-31T10:00:00", "2026-02-01T00:00:00"),
    ],
)
def test_the_next_time(schedule: str, now: str, then: str) -> None:
    parsed = cron.parse(schedule)
    assert upcoming(parsed, at(now), at(now), UTC) == at(then)
    assert latest(parsed, at(now), at(then), UTC) == at(then)
    assert latest(parsed, at(now), at(then) - 1, UTC) is None


@pytest.mark.parametrize("schedule", ["0 0 31 2 *", "59 23 30 2 *", "0 0 31 4,6,9,11 *"])
def test_days_that_never_come(schedule: str) -> None:
    now = at("2026-01-01T00:00:00")
    assert upcoming(cron.parse(schedule), now, now, UTC) is None
    assert latest(cron.parse(schedule), now, now + 1e9, UTC) is None
    assert missed(cron.parse(schedule), now, now + 1e9, UTC, 5) == 0


def test_a_time_that_the_clocks_skip_does_not_come() -> None:
    # 29 March 2026: 02:00 -> 03:00.
    now = at("2026-03-28T12:00:00", BERLIN)
    assert upcoming(cron.parse("30 2 * * *"), now, now, BERLIN) == at("2026-03-30T02:30:00", BERLIN)
    assert upcoming(cron.parse("0 3 * * *"), now, now, BERLIN) == at("2026-03-29T03:00:00", BERLIN)


def test_a_time_that_the_clocks_repeat_comes_twice() -> None:
    # 25 October 2026: 03:00 -> 02:00.
    schedule = cron.parse("30 2 * * *")
    first = upcoming(schedule, 0, at("2026-10-24T12:00:00", BERLIN), BERLIN)
    assert first == at("2026-10-25T02:30:00", BERLIN)
    second = upcoming(schedule, 0, first, BERLIN)
    assert second == at("2026-10-25T02:30:00", BERLIN, fold=1) == first + 3600


def test_clocks_may_change_at_midnight() -> None:
    cairo = ZoneInfo("Africa/Cairo")
    # 24 April 2026: 00:00 -> 01:00.
    now = at("2026-04-23T12:00:00", cairo)
    assert upcoming(cron.parse("15 1 * * *"), now, now, cairo) == at("2026-04-24T01:15:00", cairo)
    assert upcoming(cron.parse("0 0 * * *"), now, now, cairo) == at("2026-04-25T00:00:00", cairo)


def test_every_counts_from_the_start() -> None:
    schedule = cron.parse("@every 90s")
    assert upcoming(schedule, 1000, 1000, UTC) == 1090
    assert upcoming(schedule, 1000, 1200, UTC) == 1270
    assert upcoming(schedule, 1000, 500, UTC) == 1090
    assert (latest(schedule, 1000, 1089, UTC), latest(schedule, 1000, 1200, UTC)) == (None, 1180)
    assert (missed(schedule, 1000, 1200, UTC, 9), missed(schedule, 1000, 9999, UTC, 9)) == (2, 9)


def test_missed_times_are_counted_up_to_a_number() -> None:
    day = at("2026-01-01T00:00:00")
    schedule = cron.parse("0 * * * *")
    assert missed(schedule, day, day + 3 * 3600, UTC, 100) == 3
    assert missed(schedule, day, day + 1e8, UTC, 100) == 100


fields = st.tuples(
    st.sampled_from(("*", "*/7", "0", "30,59")),
    st.sampled_from(("*", "2", "1-3", "*/5")),
    st.sampled_from(("*", "1", "28-31", "*/3")),
    st.sampled_from(("*", "2", "3,10")),
    st.sampled_from(("*", "0", "mon-fri")),
).map(" ".join)


@given(fields, st.integers(1_760_000_000, 1_800_000_000), st.integers(0, 40_000_000))
def test_the_last_time_is_the_one_with_none_after_it(schedule: str, since: int, passed: int) -> None:
    parsed, now = cron.parse(schedule), since + passed
    last = latest(parsed, since, now, BERLIN)
    following = upcoming(parsed, since, since if last is None else last, BERLIN)
    assert following is None or following > now
    if last is not None:
        assert since < last <= now
        assert upcoming(parsed, since, last - 1, BERLIN) == last
