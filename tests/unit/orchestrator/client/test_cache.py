from __future__ import annotations

import pytest

from orchestrator.api.meta import Key, Object, key
from orchestrator.client.cache import Cache


def pod(name: str, namespace: str = "ns", **labels: str) -> Object:
    return {"metadata": {"name": name, "namespace": namespace, "labels": labels}}


@pytest.fixture
def cache() -> Cache:
    cache = Cache()
    cache.add_index("app", lambda obj: [obj["metadata"]["labels"].get("app", "")])
    for obj in (pod("a", app="web"), pod("b", app="web"), pod("c", "other", app="db")):
        cache.put(key(obj), obj)
    return cache


def names(objects: list[Object]) -> list[str]:
    return sorted(obj["metadata"]["name"] for obj in objects)


def test_lists_all_or_a_namespace(cache: Cache) -> None:
    assert names(cache.list()) == ["a", "b", "c"]
    assert names(cache.list("ns")) == ["a", "b"]
    assert cache.list("none") == []
    assert len(cache) == 3


def test_get(cache: Cache) -> None:
    assert cache.get(Key("ns/a")) == pod("a", app="web")
    assert cache.get(Key("ns/c")) is None


def test_put_tells_the_old_object_and_moves_it_in_the_index(cache: Cache) -> None:
    assert cache.put(Key("ns/a"), pod("a", app="db")) == pod("a", app="web")
    assert names(cache.by_index("app", "web")) == ["b"]
    assert names(cache.by_index("app", "db")) == ["a", "c"]


def test_remove(cache: Cache) -> None:
    assert cache.remove(Key("ns/a")) == pod("a", app="web")
    assert cache.remove(Key("ns/a")) is None
    assert names(cache.by_index("app", "web")) == ["b"]
    assert names(cache.list("ns")) == ["b"]


def test_an_index_may_give_several_values_and_none(cache: Cache) -> None:
    cache.add_index("label", lambda obj: [*obj["metadata"]["labels"].values()] * 2)
    plain = pod("d")
    cache.put(key(plain), plain)
    assert names(cache.by_index("label", "web")) == ["a", "b"]
    cache.remove(Key("ns/a"))
    cache.remove(Key("ns/b"))
    assert cache.by_index("label", "web") == []


def test_an_unknown_index_is_a_defect_of_the_caller(cache: Cache) -> None:
    with pytest.raises(KeyError):
        cache.by_index("node", "x")
