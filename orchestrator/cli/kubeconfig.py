"""The user's kubeconfig: podlab's context goes in and out of it, and nothing else in it changes."""

from __future__ import annotations

import base64
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from orchestrator.cli.failure import Failure
from orchestrator.util.files import write_atomically
from orchestrator.util.identity import identity
from orchestrator.util.settings import Settings

Config = dict[str, Any]
_LISTS = ("clusters", "users", "contexts")


def default_path() -> Path:
    """The file kubectl would write to: the first of KUBECONFIG, or ~/.kube/config."""
    first = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    return Path(first) if first else Path.home() / ".kube" / "config"


def build(settings: Settings) -> Config:
    """A whole kubeconfig with one cluster, user and context, named as the cluster; certificates inline."""
    admin = identity(settings.pki, "admin")
    name = settings.cluster
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": name, "cluster": {"server": settings.server, "certificate-authority-data": _inline(admin.ca)}}
        ],
        "users": [
            {
                "name": name,
                "user": {
                    "client-certificate-data": _inline(admin.certificate),
                    "client-key-data": _inline(admin.key),
                },
            }
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }


def merged(into: Config, new: Config) -> Config:
    """`into` with the entries of `new` added or replaced by name, and its current context (pure)."""
    result = {"apiVersion": "v1", "kind": "Config", "preferences": {}, **into}
    for field in _LISTS:
        names = {entry["name"] for entry in new[field]}
        result[field] = [entry for entry in into.get(field) or [] if entry.get("name") not in names] + new[field]
    result["current-context"] = new["current-context"]
    return result


def without(config: Config, name: str) -> Config:
    """`config` without the entries called `name` (pure)."""
    result = dict(config)
    for field in _LISTS:
        result[field] = [entry for entry in config.get(field) or [] if entry.get("name") != name]
    if config.get("current-context") == name:
        result["current-context"] = ""
    return result


def add(settings: Settings, path: Path) -> None:
    """Merge the cluster's context into the file at `path`. Raises Failure; then the file is untouched."""
    with _edit(path) as config:
        new = merged(config, build(settings))
        config.clear()
        config.update(new)


def remove(name: str, path: Path) -> None:
    """Take the cluster's context out of the file, if there is a file."""
    if not path.exists():
        return
    with _edit(path) as config:
        new = without(config, name)
        config.clear()
        config.update(new)


@contextmanager
def _edit(path: Path) -> Iterator[Config]:
    """The file's content to change in place; written back atomically under a lock, when it did change."""
    path = path.resolve()  # keep a symlink a symlink
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(path.parent):
            before = path.read_bytes() if path.exists() else b""
            config = yaml.safe_load(before) or {}
            if not isinstance(config, dict):
                raise Failure(f"{path} is no kubeconfig: move it away, or use --no-kubeconfig")
            yield config
            after = yaml.safe_dump(config, sort_keys=False).encode()
            if after != before:
                write_atomically(path, after, 0o600)
    except yaml.YAMLError:
        raise Failure(f"{path} is no valid YAML: repair it, or use --no-kubeconfig") from None
    except OSError as error:
        raise Failure(f"{path} cannot be written ({error.strerror}): use --no-kubeconfig") from None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One podlab at a time; the lock is on the folder, so no lock file is left behind."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _inline(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
