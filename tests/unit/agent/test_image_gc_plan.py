from __future__ import annotations

from dataclasses import replace

import pytest

from agent.image_gc_plan import GcPolicy, bytes_to_free, removable, too_old
from agent.image_records import Record
from agent.runtime.base import Disk, Image

NOW = 1_700_000_000.0
POLICY = GcPolicy()
GIB = 1 << 30


def image(id: str, *tags: str, digests: tuple[str, ...] = ()) -> Image:
    return Image(id, tags, digests, GIB)


def record(*names: str, pulled: float = 3600, used: float = 3600) -> Record:
    """Times as seconds ago."""
    return Record(names, NOW - pulled, NOW - used)


@pytest.mark.parametrize(
    ("available", "wanted"),
    [(100, 0), (16, 0), (15, 5), (0, 20), (-1, 21), (150, 0)],
)
def test_how_much_to_free(available: int, wanted: int) -> None:
    assert bytes_to_free(Disk(100, available), POLICY) == wanted


def names(
    images: list[Image],
    records: dict[str, Record],
    in_use: frozenset[str] = frozenset(),
    policy: GcPolicy = POLICY,
) -> list[str]:
    return [found.id for found in removable(images, records, in_use, policy, NOW)]


def test_what_the_pods_pulled_may_go() -> None:
    nginx = image("i", "nginx:1", digests=("nginx@sha256:" + "a" * 64,))
    assert names([nginx], {"i": record("docker.io/library/nginx:1")}) == ["i"]


def test_what_the_pods_pulled_by_its_digest_may_go() -> None:
    digest = "localhost:5001/web@sha256:" + "a" * 64
    assert names([image("i", digests=(digest,))], {"i": record(f"localhost:5001/web:v1@sha256:{'a' * 64}")}) == ["i"]


def test_what_lost_its_name_to_a_newer_one_may_go() -> None:
    assert names([image("i")], {"i": record("docker.io/library/nginx:latest")}) == ["i"]


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (image("i", "nginx:1"), "nobody wrote it down: the user's"),
        (image("j", "nginx:1", "mine:1"), "the user gave it a name, too"),
        (image("j", "nginx:1", digests=("mine@sha256:" + "a" * 64,)), "the user pulled it from elsewhere, too"),
    ],
)
def test_what_is_the_users_stays(other: Image, why: str) -> None:
    records = {"j": record("docker.io/library/nginx:1")}
    assert names([other], records) == [], why
    assert names([other], records, policy=replace(POLICY, foreign=True)) == [other.id], "there was consent"


def test_what_a_container_uses_stays() -> None:
    assert names([image("i", "nginx:1")], {"i": record("docker.io/library/nginx:1")}, frozenset({"i"})) == []


@pytest.mark.parametrize(("pulled", "used"), [(60, 60), (3600, 60), (119, 119)])
def test_what_is_new_or_was_just_used_stays(pulled: float, used: float) -> None:
    known = {"i": record("docker.io/library/nginx:1", pulled=pulled, used=used)}
    assert names([image("i", "nginx:1")], known) == []


@pytest.mark.parametrize("tag", ["podlab/pause:abc", "podlab/registry:offline-1", "docker.io/podlab/nginx:1"])
def test_what_podlab_made_stays(tag: str) -> None:
    assert names([image("i", tag)], {}, policy=replace(POLICY, foreign=True)) == []


def test_the_least_recently_used_go_first() -> None:
    images = [image(id, f"{id}:1") for id in "abcd"]
    ages = {"a": 500, "b": 900, "c": 700}
    records = {id: record(f"docker.io/library/{id}:1", used=age) for id, age in ages.items()}
    assert names(images, records) == ["b", "c", "a"]
    assert names(images, records, policy=replace(POLICY, foreign=True)) == ["d", "b", "c", "a"]


def test_what_nobody_used_for_too_long() -> None:
    images = [image("a", "a:1"), image("b", "b:1"), image("c", "c:1")]
    records = {"a": record(used=1001, pulled=5000), "b": record(used=999, pulled=5000)}
    assert [found.id for found in too_old(images, records, replace(POLICY, max_age=1000), NOW)] == ["a"]
    assert too_old(images, records, POLICY, NOW) == []
