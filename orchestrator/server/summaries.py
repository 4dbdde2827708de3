"""The agents' `/stats/summary`: asked for when somebody wants to know, of all nodes side by side."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import orjson

from orchestrator.api.errors import ApiError
from orchestrator.api.meta import Object, condition, name
from orchestrator.server.agents import Agents

log = logging.getLogger(__name__)

#: Agents asked at a time.
_WIDTH = 16

#: (nodes) -> the summary of each node whose agent answers, by the node's name.
Summaries = Callable[[Sequence[Object]], Mapping[str, Object]]


def no_summaries(_nodes: Sequence[Object]) -> Mapping[str, Object]:
    """Of an API server without agents."""
    return {}


def summaries_of(agents: Agents) -> Summaries:
    """Nodes that are not ready are not asked: one that is gone would only cost time."""

    def ask(node: Object) -> Object | None:
        try:
            return orjson.loads(agents.read(node, "/stats/summary?only_cpu_and_memory=true"))  # type: ignore[no-any-return]
        except (ApiError, orjson.JSONDecodeError) as error:
            log.info("node %s has no figures: %s", name(node), error)
            return None

    def ask_all(nodes: Sequence[Object]) -> Mapping[str, Object]:
        ready = [node for node in nodes if (condition(node, "Ready") or {}).get("status") == "True"]
        if not ready:
            return {}
        with ThreadPoolExecutor(min(_WIDTH, len(ready)), "summary") as pool:
            answers = pool.map(ask, ready)
            return {name(node): answer for node, answer in zip(ready, answers, strict=True) if answer is not None}

    return ask_all
