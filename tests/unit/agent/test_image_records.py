from __future__ import annotations

from pathlib import Path

import pytest

from agent.image_records import ImageRecords
from agent.runtime.base import Image
from orchestrator.util.clock import FakeClock

NGINX = Image("sha256:1", ("nginx:1",), (), 1)
NEWER = Image("sha256:2", ("nginx:1",), (), 1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "images.json"


def test_they_outlive_the_agent(file: Path, clock: FakeClock) -> None:
    records = ImageRecords(file, clock)
    records.pulled("nginx:1", None, NGINX)
    records.pulled("docker.io/library/nginx:stable", None, NGINX)
    known = ImageRecords(file, clock).all()
    assert known == records.all()
    assert known[NGINX.id].names == ("docker.io/library/nginx:1", "docker.io/library/nginx:stable")


def test_what_was_here_before_is_the_users(file: Path, clock: FakeClock) -> None:
    records = ImageRecords(file, clock)
    records.pulled("nginx:1", NGINX, NGINX)
    records.pulled("nginx:1", NGINX, NEWER)
    assert records.all() == {}


def test_a_newer_image_of_our_own_name_is_ours(file: Path, clock: FakeClock) -> None:
    records = ImageRecords(file, clock)
    records.pulled("nginx:1", None, NGINX)
    records.pulled("nginx:1", NGINX, NEWER)
    assert set(records.all()) == {NGINX.id, NEWER.id}


def test_use_is_remembered_of_ours_alone(file: Path, clock: FakeClock) -> None:
    records = ImageRecords(file, clock)
    records.pulled("nginx:1", None, NGINX)
    pulled = clock.now()
    clock.advance(50)
    records.used([NGINX.id, "sha256:other"])
    assert set(records.all()) == {NGINX.id}
    assert (records.all()[NGINX.id].pulled_at, records.all()[NGINX.id].last_used) == (pulled, pulled + 50)


def test_what_is_gone_is_forgotten(file: Path, clock: FakeClock) -> None:
    records = ImageRecords(file, clock)
    records.pulled("nginx:1", None, NGINX)
    records.keep([NEWER.id])
    assert ImageRecords(file, clock).all() == {}


def test_nothing_is_written_when_nothing_changed(file: Path, clock: FakeClock) -> None:
    ImageRecords(file, clock).keep([NGINX.id])
    assert not file.exists()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}', '{"a": {"names": []}}', "null"])
def test_a_damaged_file_costs_only_what_it_told(file: Path, clock: FakeClock, text: str) -> None:
    file.write_text(text)
    records = ImageRecords(file, clock)
    assert records.all() == {}
    records.pulled("nginx:1", None, NGINX)
    assert set(ImageRecords(file, clock).all()) == {NGINX.id}


def test_a_file_that_cannot_be_written_does_no_harm(tmp_path: Path, clock: FakeClock) -> None:
    records = ImageRecords(tmp_path / "missing" / "images.json", clock)
    records.pulled("nginx:1", None, NGINX)
    assert set(records.all()) == {NGINX.id}
