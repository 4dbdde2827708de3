"""Tokens of the pods' service accounts, asked of the API (TokenRequest) and renewed before they expire."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from orchestrator.api.errors import ApiError
from orchestrator.api.groups.core import POD, SERVICE_ACCOUNT
from orchestrator.api.meta import Object, key, name, namespace, spec, uid
from orchestrator.api.times import parse
from orchestrator.client.client import Client
from orchestrator.util.clock import Clock

log = logging.getLogger(__name__)

#: The part of its life after which a token is renewed, and the greatest age in seconds (as the kubelet).
_RENEW_AFTER = 0.8
_OLDEST = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class _Token:
    """Times are in seconds since the epoch."""

    text: str
    renew_at: float
    expires: float


class TokenManager:
    """An `agent.projection.Tokens`."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str, int], _Token] = {}

    def __call__(self, pod: Object, audience: str, seconds: int) -> str:
        """Raises ApiError when there is none yet and none can be had."""
        place, now = (uid(pod), audience, seconds), self._clock.now()
        known = self._known.get(place)
        if known is not None and now < known.renew_at:
            return known.text
        try:
            token = self._request(pod, audience, seconds)
        except ApiError as error:
            if known is None or now >= known.expires:
                raise
            log.warning("%s: its token is not renewed, will try again: %s", key(pod), error)
            return known.text
        with self._lock:
            # Those of pods that are gone expire too.
            self._known = {each: old for each, old in self._known.items() if old.expires > now}
            self._known[place] = token
        return token.text

    def _request(self, pod: Object, audience: str, seconds: int) -> _Token:
        bound = {"apiVersion": "v1", "kind": POD.kind, "name": name(pod), "uid": uid(pod)}
        wanted: Object = {"expirationSeconds": seconds, "boundObjectRef": bound}
        if audience:
            wanted["audiences"] = [audience]
        account = spec(pod).get("serviceAccountName") or "default"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": wanted}
        answer = self._client.create_subresource(SERVICE_ACCOUNT, account, "token", body, namespace(pod))
        now, expires = self._clock.now(), parse(answer["status"]["expirationTimestamp"])
        return _Token(answer["status"]["token"], now + min((expires - now) * _RENEW_AFTER, _OLDEST), expires)
