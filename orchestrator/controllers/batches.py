"""Many API calls at once, carefully."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import TypeVar

from orchestrator.api.errors import ApiError

T = TypeVar("T")


def slow_start(executor: Executor, items: Sequence[T], call: Callable[[T], None]) -> tuple[int, ApiError | None]:
    """Call for each item, 1, 2, 4, ... at once, up to the batch in which one fails.

    So what cannot work (a quota, a refused template) costs one call and not hundreds. Returns how many succeeded and
    the first error.
    """
    done, size = 0, 1
    while done < len(items):
        size = min(size, len(items) - done)
        errors = all_at_once(executor, items[done : done + size], call)
        done += size - len(errors)
        if errors:
            return done, errors[0]
        size *= 2
    return done, None


def all_at_once(executor: Executor, items: Sequence[T], call: Callable[[T], None]) -> list[ApiError]:
    """Call for each item; the errors of those that failed."""

    def attempt(item: T) -> ApiError | None:
        try:
            call(item)
        except ApiError as error:
            return error
        return None

    # One call needs no thread.
    outcomes = map(attempt, items) if len(items) == 1 else executor.map(attempt, items)
    return [error for error in outcomes if error is not None]
