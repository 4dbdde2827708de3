"""When a schedule's time comes, and when it last came. Pure.

Times are seconds since the epoch; a zone of None is the machine's own. Fields of a schedule are about the wall clock of
the zone, as in Kubernetes: a time that a change of the clocks skips does not come, one that they repeat comes twice.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta, tzinfo

from orchestrator.api.cron import Every, Schedule, Times

_MINUTE = 60
#: A time that does not come within five years never does, as 31 February.
_HORIZON = 5 * 366 * 86400


def upcoming(schedule: Schedule, since: float, now: float, zone: tzinfo | None) -> float | None:
    """The first time after `now`; `@every` counts from `since`. None when it never comes."""
    if isinstance(schedule, Every):
        return since + (max(0, math.floor((now - since) / schedule.seconds)) + 1) * schedule.seconds
    return _following(schedule, max(since, now), zone)


def latest(schedule: Schedule, since: float, now: float, zone: tzinfo | None) -> float | None:
    """The last time after `since` that has come by `now`, or None."""
    if isinstance(schedule, Every):
        runs = math.floor((now - since) / schedule.seconds)
        return since + runs * schedule.seconds if runs > 0 else None
    first = _following(schedule, since, zone)
    if first is None or first > now:
        return None
    # The last moment after which a time still comes by `now`: to the second, as times are whole minutes.
    low, high = math.floor(first), math.floor(now)
    while low < high:
        middle = (low + high + 1) // 2
        if _comes(schedule, middle, now, zone):
            low = middle
        else:
            high = middle - 1
    return (_following(schedule, low, zone) if _comes(schedule, low, now, zone) else None) or first


def _comes(schedule: Times, after: float, now: float, zone: tzinfo | None) -> bool:
    following = _following(schedule, after, zone)
    return following is not None and following <= now


def missed(schedule: Schedule, since: float, now: float, zone: tzinfo | None, most: int) -> int:
    """How many times have come after `since` by `now`; `most` for that many or more."""
    if isinstance(schedule, Every):
        return min(most, max(0, math.floor((now - since) / schedule.seconds)))
    count, moment = 0, _following(schedule, since, zone)
    while count < most and moment is not None and moment <= now:
        count, moment = count + 1, _following(schedule, moment, zone)
    return count


def _following(times: Times, after: float, zone: tzinfo | None) -> float | None:
    """The first time after `after`."""
    moment = (math.floor(after) // _MINUTE + 1) * _MINUTE
    while moment <= after + _HORIZON:
        local = datetime.fromtimestamp(moment, zone)
        if not _is_day(times, local):
            moment = _next_day(moment, local)
        elif local.hour not in times.hours:
            moment += (60 - local.minute) * _MINUTE
        elif local.minute not in times.minutes:
            later = (minute for minute in times.minutes if minute > local.minute)
            moment += (min(later, default=60) - local.minute) * _MINUTE
        else:
            return float(moment)
    return None


def _is_day(times: Times, local: datetime) -> bool:
    if local.month not in times.months:
        return False
    day, weekday = local.day in times.days, local.isoweekday() % 7 in times.weekdays
    # Where both are limited, one is enough.
    return (day and weekday) if times.any_day or times.any_weekday else (day or weekday)


def _next_day(moment: int, local: datetime) -> int:
    midnight = datetime(local.year, local.month, local.day, tzinfo=local.tzinfo) + timedelta(days=1)
    # Where clocks are changed at midnight it may lie behind.
    return max(moment + _MINUTE, int(midnight.timestamp()))
