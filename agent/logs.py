"""Which container's output a `logs` request is for, and how much of it. Pure, but for reading the stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from agent.observed import Observed, is_startable, last_end
from agent.podspec import all_containers, find_by_name
from agent.runtime.base import ContainerState, Runtime, Stream
from orchestrator.api.errors import BadRequest, NotFound
from orchestrator.api.meta import Object, name
from orchestrator.api.times import parse


@dataclass(frozen=True, slots=True)
class LogOptions:
    """Of a PodLogOptions; `since` in seconds since the epoch, 0 for all; `tail` None for all lines."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail: int | None = None
    since: float = 0.0
    limit_bytes: int | None = None


def parse_options(query: Mapping[str, str], now: float) -> LogOptions:
    """Raises BadRequest."""
    if "sinceSeconds" in query and "sinceTime" in query:
        raise BadRequest("at most one of `sinceTime` or `sinceSeconds` may be specified")
    tail, limit = _count(query, "tailLines"), _count(query, "limitBytes")
    if limit == 0:
        raise BadRequest("limitBytes: Invalid value: 0: must be greater than 0")
    return LogOptions(
        follow=_flag(query, "follow"),
        previous=_flag(query, "previous"),
        timestamps=_flag(query, "timestamps"),
        tail=tail,
        since=_since(query, now),
        limit_bytes=limit,
    )


def _flag(query: Mapping[str, str], option: str) -> bool:
    text = query.get(option, "false").lower()
    if text not in ("", "true", "1", "false", "0"):
        raise BadRequest(f"{option}: Invalid value: {query[option]!r}: must be true or false")
    return text in ("", "true", "1")


def _count(query: Mapping[str, str], option: str) -> int | None:
    text = query.get(option)
    if not text:
        return None
    if not text.isascii() or not text.isdigit():
        raise BadRequest(f"{option}: Invalid value: {text!r}: must be a number not below 0")
    return int(text)


def _since(query: Mapping[str, str], now: float) -> float:
    seconds = _count(query, "sinceSeconds")
    if seconds is not None:
        return now - seconds
    if not query.get("sinceTime"):
        return 0.0
    try:
        return parse(query["sinceTime"])
    except ValueError as error:
        raise BadRequest(f"sinceTime: Invalid value: {query['sinceTime']!r}: {error}") from None


def container_to_read(pod: Object, container: str, seen: Observed, *, previous: bool) -> ContainerState:
    """The instance whose output is asked for. Raises NotFound, BadRequest with the kubelet's sentences."""
    if find_by_name(all_containers(pod), container) is None:
        raise NotFound(f'container "{container}" not found in pod "{name(pod)}"')
    if previous:
        return _previous(pod, container, seen)
    started = [instance for instance in seen.instances(container) if not is_startable(instance)]
    if not started:
        raise BadRequest(_why_none(pod, container, seen))
    return started[0]


def _previous(pod: Object, container: str, seen: Observed) -> ContainerState:
    """The instance whose end the status tells of as the last state."""
    last = ((seen.old_status(container) or {}).get("lastState") or {}).get("terminated") or {}
    id = str(last.get("containerID", "")).partition("://")[2]
    for instance in seen.instances(container):
        if instance.id == id:
            return instance
    raise BadRequest(f'previous terminated container "{container}" in pod "{name(pod)}" not found')


def _why_none(pod: Object, container: str, seen: Observed) -> str:
    where = f'container "{container}" in pod "{name(pod)}"'
    entry = seen.old_status(container) or {}
    if last_end(entry):
        return f"{where} is terminated and its log is gone with it"
    reason = entry.get("state", {}).get("waiting", {}).get("reason") or "ContainerCreating"
    return f"{where} is waiting to start: {reason}"


def open_log(runtime: Runtime, instance: ContainerState, options: LogOptions) -> Stream[bytes]:
    """Raises NoSuchContainer, EngineUnreachable."""
    return runtime.logs(
        instance.id,
        follow=options.follow,
        tail=options.tail,
        since=options.since,
        timestamps=options.timestamps,
    )


def limited(chunks: Iterator[bytes], limit: int | None) -> Iterator[bytes]:
    """The first `limit` bytes."""
    left = limit
    for chunk in chunks:
        if left is None:
            yield chunk
            continue
        yield chunk[:left]
        left -= len(chunk)
        if left <= 0:
            return
