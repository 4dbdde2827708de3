from __future__ import annotations

import pytest

from orchestrator.server.health import Health


@pytest.mark.parametrize(
    ("path", "verbose", "answer"),
    [
        ("/livez", False, (200, "ok")),
        ("/readyz", False, (500, "[+]ping ok\n[-]store failed\nreadyz check failed\n")),
        ("/healthz", False, (500, "[+]ping ok\n[-]store failed\nhealthz check failed\n")),
        ("/livez", True, (200, "[+]ping ok\nlivez check passed\n")),
        ("/readyz/ping", False, (200, "ok")),
        ("/readyz/store", False, (500, "[-]store failed\nreadyz check failed\n")),
        ("/readyz/other", False, (404, "404 page not found\n")),
    ],
)
def test_answers(path: str, verbose: bool, answer: tuple[int, str]) -> None:
    assert Health({"ping": lambda: True}, {"store": lambda: False}).answer(path, verbose=verbose) == answer
