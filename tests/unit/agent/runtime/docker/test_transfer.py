from __future__ import annotations

import pytest

from agent.runtime.base import PullFailed
from agent.runtime.docker.transfer import follow


def test_bytes_are_reported_by_layer() -> None:
    seen: list[tuple[str, int, int]] = []
    messages = [
        {"status": "Pulling from library/nginx", "id": "latest"},
        {"status": "Downloading", "id": "a", "progressDetail": {"current": 5, "total": 9}},
        {"status": "Pushing", "id": "b", "progressDetail": {}},
        {"status": "Pull complete", "id": "a", "progressDetail": {}},
        {"aux": {"Tag": "1", "Digest": "sha256:1"}},
        {"stream": "Step 1"},
    ]
    facts = follow(messages, lambda *progress: seen.append(progress))
    assert seen == [("a", 5, 9), ("b", 0, 0)]
    assert facts["Digest"] == "sha256:1"


@pytest.mark.parametrize("message", [{"error": "denied"}, {"error": "x", "errorDetail": {"message": "denied"}}])
def test_an_error_in_the_stream(message: dict[str, object]) -> None:
    with pytest.raises(PullFailed, match="denied"):
        follow([message], None, PullFailed)
