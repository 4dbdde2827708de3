"""An answer that has nothing to say for a while needs no thread meanwhile."""

from __future__ import annotations

from collections.abc import Callable

#: Calls back, at once or later, from any thread: there is news.
Subscribe = Callable[[Callable[[], None]], None]


class Pause(bytes):
    """An empty piece of an answer's body: before the next one there is a wait.

    The server may serve others with the thread and ask for the next piece when the wait is over; it says so in
    `honoured`. Any other WSGI server sees an empty piece and goes on, and then the body itself waits.
    """

    def __init__(self, news: Subscribe | None = None, due: float = 0.0) -> None:
        """The wait is over when there is `news`, and at `due` (monotonic seconds) at the latest.

        With neither it is one that many can share: the sooner the less they share, so it is due when nobody else has
        something to ask.
        """
        self.news = news
        self.due = due
        self.honoured = False

    def __new__(cls, *_: object) -> Pause:
        return super().__new__(cls)
