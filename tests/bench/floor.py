"""The floor under every pod: a bare Docker SDK loop that makes a pause container and one that joins it.

The benchmarks divide by these times. No labels, limits, volumes or events: what the engine itself costs.

    python -m tests.bench.floor
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import docker

from agent.runtime.docker import DockerRuntime
from tests.fakes import images

THREADS = 8


@dataclass
class Floor:
    """Makes pods as fast as the SDK can; `clear` removes them."""

    image: str
    pause: str
    url: str = ""
    command: list[str] | None = None
    #: (sandbox, container) of each pod.
    _made: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._client = docker.APIClient(self.url or None, version="auto", max_pool_size=2 * THREADS)

    def pod(self) -> float:
        """Seconds to create and start one pod."""
        begun = time.perf_counter()
        sandbox = self._start(self.pause, None, "bridge")
        self._made.append((sandbox, self._start(self.image, self.command, f"container:{sandbox}")))
        return time.perf_counter() - begun

    def pods(self, count: int, threads: int = THREADS) -> float:
        """Seconds until all of `count` pods run."""
        begun = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda _: self.pod(), range(count)))
        return time.perf_counter() - begun

    def clear(self) -> None:
        """Kill and remove all pods."""
        self._each(self._remove)

    def delete(self) -> float:
        """Seconds to stop and remove all pods; what ignores the stop signal is given 10 s."""
        begun = time.perf_counter()
        self._each(self._end)
        return time.perf_counter() - begun

    def cleared(self, make: Callable[[], float]) -> Callable[[], float]:
        """`make`, and nothing left of what it made."""

        def run() -> float:
            elapsed = make()
            self.clear()
            return elapsed

        return run

    def _each(self, act: Callable[[tuple[str, str]], None]) -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(act, self._made))
        self._made.clear()

    def _end(self, pod: tuple[str, str]) -> None:
        self._client.stop(pod[1], timeout=10)
        self._remove(pod)

    def _remove(self, pod: tuple[str, str]) -> None:
        """The app container before the sandbox that it uses."""
        for id in reversed(pod):
            self._client.remove_container(id, force=True, v=True)

    def _start(self, image: str, command: list[str] | None, network: str) -> str:
        config = self._client.create_host_config(network_mode=network)
        name = f"podlab-floor-{uuid.uuid4().hex[:12]}"
        id = str(self._client.create_container(image, command, name=name, host_config=config)["Id"])
        self._client.start(id)
        return id


@contextmanager
def floor(url: str = "", image: str = "") -> Iterator[Floor]:
    """A Floor whose pods run `image` (nginx from the distribution's packages by default)."""
    runtime = DockerRuntime(url)
    made = Floor(image or images.nginx(runtime), runtime.ensure_pause_image(), url)
    made.pod()
    made.clear()
    try:
        yield made
    finally:
        made.clear()


def main() -> None:
    with floor() as bare:
        singles = []
        for _ in range(5):
            singles.append(bare.pod())
            bare.clear()
        print(f"one pod: {min(singles):.3f} s at best, {sorted(singles)[len(singles) // 2]:.3f} s in the middle of 5")
        print(f"20 pods, {THREADS} threads: {bare.pods(20):.2f} s")


if __name__ == "__main__":
    main()
