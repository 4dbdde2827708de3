"""/healthz, /livez and /readyz: `ok`, or what is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping

#: True while all is well.
Check = Callable[[], bool]


class Health:
    """Checks by name, in order. /livez asks `live` ones only, /readyz and /healthz ask all."""

    def __init__(self, live: Mapping[str, Check], ready: Mapping[str, Check]) -> None:
        self._live = dict(live)
        self._all = {**live, **ready}

    def answer(self, path: str, *, verbose: bool) -> tuple[int, str]:
        """Status code and text for `/readyz` or `/readyz/CHECK`; 404 for a check that is not known."""
        _, endpoint, *rest = path.split("/")
        checks = self._live if endpoint == "livez" else self._all
        if rest:
            checks = {name: check for name, check in checks.items() if name == rest[0]}
            if not checks:
                return 404, "404 page not found\n"
        results = {name: check() for name, check in checks.items()}
        good = all(results.values())
        if good and not verbose:
            return 200, "ok"
        lines = [f"[+]{name} ok" if ok else f"[-]{name} failed" for name, ok in results.items()]
        lines.append(f"{endpoint} check {'passed' if good else 'failed'}")
        return 200 if good else 500, "\n".join(lines) + "\n"
