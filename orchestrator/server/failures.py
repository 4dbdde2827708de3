"""What a client is told when its request failed."""

from __future__ import annotations

import logging

import orjson

from orchestrator.api.errors import ApiError, InternalError
from orchestrator.server.answers import Answer, json_answer
from orchestrator.server.incoming import Environ

log = logging.getLogger(__name__)


def failure_answer(error: Exception, environ: Environ) -> Answer:
    """Every error becomes a Status; one that nobody foresaw is logged with its traceback."""
    if isinstance(error, ApiError):
        return _status_answer(error)
    log.error("%s %s failed", environ["REQUEST_METHOD"], environ["PATH_INFO"], exc_info=error)
    return _status_answer(InternalError(f"Internal error occurred: {type(error).__name__}: see the server's log"))


def _status_answer(error: ApiError) -> Answer:
    answer = json_answer(orjson.dumps(error.status()), error.code)
    if (seconds := error.details.get("retryAfterSeconds")) is not None:
        answer.headers.append(("Retry-After", str(seconds)))
    return answer
