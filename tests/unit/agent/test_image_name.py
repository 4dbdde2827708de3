from __future__ import annotations

import pytest

from agent.image_name import canonical, registry_and_path, repository, with_tag

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("reference", "full"),
    [
        ("nginx", "nginx:latest"),
        ("nginx:1.25", "nginx:1.25"),
        ("library/nginx", "library/nginx:latest"),
        ("localhost:5001/web", "localhost:5001/web:latest"),
        ("localhost:5001/web:v1", "localhost:5001/web:v1"),
        ("Registry.Example.com/a/b_c/d-e", "Registry.Example.com/a/b_c/d-e:latest"),
        (f"nginx@{DIGEST}", f"nginx@{DIGEST}"),
        (f"nginx:1@{DIGEST}", f"nginx:1@{DIGEST}"),
    ],
)
def test_the_tag_is_latest_by_default(reference: str, full: str) -> None:
    assert with_tag(reference) == full


@pytest.mark.parametrize("reference", ["", " nginx", "nginx:", "nginx:a:b", "-a", "a//b", "nginx@sha256:1", "a" * 256])
def test_no_reference(reference: str) -> None:
    with pytest.raises(ValueError, match="invalid reference format"):
        with_tag(reference)


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("nginx", ("docker.io", "library/nginx")),
        ("me/nginx:1", ("docker.io", "me/nginx")),
        ("localhost/nginx", ("localhost", "nginx")),
        ("localhost:5001/a/web:v1", ("localhost:5001", "a/web")),
        (f"ghcr.io/a/b@{DIGEST}", ("ghcr.io", "a/b")),
    ],
)
def test_registry_and_path(reference: str, parts: tuple[str, str]) -> None:
    assert registry_and_path(reference) == parts


@pytest.mark.parametrize(
    ("reference", "full"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("library/nginx:1", "docker.io/library/nginx:1"),
        ("docker.io/library/nginx:1", "docker.io/library/nginx:1"),
        ("me/web", "docker.io/me/web:latest"),
        ("localhost:5001/web:v1", "localhost:5001/web:v1"),
        (f"ghcr.io/a/b:1@sha256:{'a' * 64}", f"ghcr.io/a/b:1@sha256:{'a' * 64}"),
    ],
)
def test_the_full_name(reference: str, full: str) -> None:
    assert canonical(reference) == full
    assert repository(reference) == full.partition("@")[0].rpartition(":")[0]
