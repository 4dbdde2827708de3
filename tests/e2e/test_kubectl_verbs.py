"""Every verb of kubectl, with the oldest and the newest that is there: the transcripts in `verbs/` are the table.

To add a case, write it into the transcript of its verb (`transcript.py` says how), or add a file. Transcripts run side by
side, each in a folder and with a kubeconfig of its own, those of a version in one namespace, `$NS`. They have `$IMAGE`
(busybox), `$NODE` (a node that transcripts of the other version leave alone), `fetch URL`, and what `shared.yaml` makes.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from string import Template

import pytest
import yaml

from tests.conftest import kubectl_versions
from tests.e2e.harness import RealCluster
from tests.e2e.transcript import Shell, Step, parse

pytestmark = [pytest.mark.engine, pytest.mark.kubectl]

FOLDER = Path(__file__).parent / "verbs"
TRANSCRIPTS = sorted(file.stem for file in FOLDER.glob("*.txt"))
_FETCH = "import sys, urllib.request as r; sys.stdout.buffer.write(r.urlopen(sys.argv[1], timeout=5).read())"


@dataclass(frozen=True, slots=True)
class Version:
    """A kubectl, its minor version, and the namespace and the node for its transcripts."""

    program: Path
    minor: int
    namespace: str
    node: str

    @classmethod
    def of(cls, program: Path, node: str) -> Version:
        told = subprocess.run([program, "version", "--client", "-o", "json"], capture_output=True, check=True).stdout
        minor = int(json.loads(told)["clientVersion"]["minor"].rstrip("+"))
        return cls(program, minor, f"kubectl-{minor}", node)


def oldest_and_newest() -> list[Version]:
    """The same one is not tried twice."""
    found = kubectl_versions()
    programs = dict.fromkeys([*found[:1], *found[-1:]])
    return [Version.of(program, f"node-{number}") for number, program in enumerate(programs, 1)]


def shell(cluster: RealCluster, version: Version, image: str, folder: Path) -> Shell:
    """With a kubeconfig of its own, which may be changed, in the version's namespace."""
    programs = folder / "bin"
    programs.mkdir(parents=True)
    (programs / "kubectl").symlink_to(version.program)
    fetch = programs / "fetch"
    fetch.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{_FETCH}" "$@"\n')
    fetch.chmod(0o755)
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    for context in config["contexts"]:
        context["context"]["namespace"] = version.namespace
    (folder / "config").write_text(yaml.safe_dump(config))
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(folder),
        "KUBECONFIG": str(folder / "config"),
        "IMAGE": image,
        "NS": version.namespace,
        "NODE": version.node,
    }
    return Shell(folder, version.minor, environment)


Results = dict[tuple[str, str], Future[list[str]]]


@pytest.fixture(scope="module")
def results(cluster: RealCluster, busybox_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    """What went wrong in every transcript with every version; all run at once, and tests wait for theirs."""
    folder = tmp_path_factory.mktemp("verbs")
    shared = Template((FOLDER / "shared.yaml").read_text()).substitute(IMAGE=busybox_image)
    versions = oldest_and_newest()
    for version in versions:
        cluster.kubectl("create", "namespace", version.namespace)
        cluster.kubectl("apply", "-n", version.namespace, "-f", "-", stdin=shared)
    for version in versions:
        cluster.kubectl("wait", "-n", version.namespace, "--for=condition=Ready", "pod", "--all", "--timeout=60s")
    with ThreadPoolExecutor(6) as pool:
        yield {
            (name, age): pool.submit(
                lambda version, name: shell(cluster, version, busybox_image, folder / version.namespace / name).failures(
                    parse((FOLDER / f"{name}.txt").read_text())
                ),
                version,
                name,
            )
            for name in TRANSCRIPTS
            for age, version in zip(("oldest", "newest"), versions, strict=False)
        }
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("age", ["oldest", "newest"])
@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_transcript(results: Results, name: str, age: str) -> None:
    if (name, age) not in results:
        pytest.skip("there is one kubectl only")
    failures = results[name, age].result()
    assert not failures, "\n".join(failures)
