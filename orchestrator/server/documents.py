"""What the API says of itself: version, discovery, OpenAPI."""

from __future__ import annotations

from collections.abc import Callable

import orjson
from flask import Response

from orchestrator import KUBERNETES_VERSION
from orchestrator.server.answers import json_answer

Page = Callable[[], Response]


class Documents:
    def pages(self) -> dict[str, Page]:
        return {}

    def page(self, path: str) -> Page | None:
        return None

    def version(self) -> Response:
        return json_answer(orjson.dumps(version_info()))


def version_info() -> dict[str, str]:
    major, minor, *_ = KUBERNETES_VERSION.removeprefix("v").split(".")
    return {"major": major, "minor": minor, "gitVersion": KUBERNETES_VERSION}
