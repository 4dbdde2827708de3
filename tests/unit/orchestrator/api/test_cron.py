from __future__ import annotations

import pytest

from orchestrator.api.cron import Every, Times, parse


def times(text: str) -> Times:
    found = parse(text)
    assert isinstance(found, Times)
    return found


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ("*", set(range(60))),
        ("?", set(range(60))),
        ("*/20", {0, 20, 40}),
        ("5/25", {5, 30, 55}),
        ("5", {5}),
        ("10-14/2,1", {1, 10, 12, 14}),
    ],
)
def test_a_field(minutes: str, expected: set[int]) -> None:
    assert times(f"{minutes} * * * *").minutes == expected


def test_names_in_any_case() -> None:
    found = times("0 0 * JAN-mar,dec SUN,tue-Thu")
    assert (found.months, found.weekdays) == ({1, 2, 3, 12}, {0, 2, 3, 4})


@pytest.mark.parametrize(
    ("text", "any_day", "any_weekday"),
    [("0 0 1 * *", False, True), ("0 0 ? * mon", True, False), ("0 0 */2 * 1", False, False)],
)
def test_which_of_the_days_are_limited(text: str, any_day: bool, any_weekday: bool) -> None:
    assert (times(text).any_day, times(text).any_weekday) == (any_day, any_weekday)


@pytest.mark.parametrize(
    ("macro", "same"),
    [
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
    ],
)
def test_macros(macro: str, same: str) -> None:
    assert parse(macro) == parse(same)


@pytest.mark.parametrize(
    ("text", "seconds"), [("@every 90m", 5400), ("@every 1h30m1.5s", 5401), ("@every 10ms", 1), ("@every 0", 1)]
)
def test_every(text: str, seconds: float) -> None:
    assert parse(text) == Every(seconds)


def test_a_day_that_never_comes_is_no_error() -> None:
    assert times("0 0 31 2 *").days == {31}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "empty spec string"),
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("* * * * * *", "expected exactly 5 fields, found 6: [* * * * * *]"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* 24 * * *", "end of range (24) above maximum (23): 24"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("* * * * 7", "end of range (7) above maximum (6): 7"),
        ("5-3 * * * *", "beginning of range (5) beyond end of range (3): 5-3"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("1/2/3 * * * *", "too many slashes: 1/2/3"),
        ("x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'),
        ("* * L * *", 'failed to parse int from L: strconv.Atoi: parsing "L": invalid syntax'),
        ("*/-5 * * * *", "negative number (-5) not allowed: -5"),
        (f"{'9' * 5000} * * * *", "value out of range"),
        ("@reboot", "unrecognized descriptor: @reboot"),
        ("@every soon", 'failed to parse duration @every soon: time: invalid duration "soon"'),
    ],
)
def test_wrong(text: str, sentence: str) -> None:
    with pytest.raises(ValueError) as raised:
        parse(text)
    assert sentence in str(raised.value)
