"""Every verb of kubectl, with the oldest and the newest that is there: the transcripts in `verbs/` are the table.

To add a case, write it into the transcript of its verb (`transcript.py` says how), or add a file. Transcripts run side
by side, each in a folder and with a kubeconfig of its own, those of a version in one namespace, `$NS`. They have
`$IMAGE` (busybox), `$NODE` (a node that transcripts of the other version leave alone), `fetch URL`, and what
`shared.yaml` makes.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from string import Template

import pytest
import yaml

from tests.conftest import kubectl_versions
from tests.e2e.harness import RealCluster
from tests.e2e.transcript import Shell, parse

pytestmark = [pytest.mark.engine, pytest.mark.kubectl]

FOLDER = Path(__file__).parent / "verbs"
TRANSCRIPTS = sorted(file.stem for file in FOLDER.glob("*.txt"))
AGES = ("oldest", "newest")
_FETCH = "import sys, urllib.request as r; sys.stdout.buffer.write(r.urlopen(sys.argv[1], timeout=5).read())"


def transcript(name: str) -> str:
    return (FOLDER / f"{name}.txt").read_text()


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
    versions = oldest_and_newest()
    for version in versions:
        share(cluster, version, busybox_image)

    def failures(name: str, version: Version) -> list[str]:
        own = folder / version.namespace / name
        return shell(cluster, version, busybox_image, own).failures(parse(transcript(name)))

    with ThreadPoolExecutor(6) as pool:
        yield {
            (name, age): pool.submit(failures, name, version)
            for name in TRANSCRIPTS
            for age, version in zip(AGES, versions, strict=False)
        }
        pool.shutdown(cancel_futures=True)


def share(cluster: RealCluster, version: Version, image: str) -> None:
    """Make what the transcripts of a version share, and wait until it is there."""
    cluster.kubectl("create", "namespace", version.namespace)
    manifest = Template((FOLDER / "shared.yaml").read_text()).substitute(IMAGE=image)
    cluster.kubectl("apply", "-n", version.namespace, "-f", "-", stdin=manifest)
    cluster.kubectl("rollout", "status", "-n", version.namespace, "deployment/web", "--timeout=60s")
    cluster.kubectl("wait", "-n", version.namespace, "--for=condition=Ready", "pod", "--all", "--timeout=60s")


@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_transcript(results: Results, name: str, age: str) -> None:
    if (name, age) not in results:
        pytest.skip("there is one kubectl only")
    failures = results[name, age].result()
    assert not failures, "\n".join(failures)


def test_no_verb_is_missing(kubectl: Path) -> None:
    """Whatever kubectl lists in its help stands in a transcript."""
    ran = " ".join(step.command for name in TRANSCRIPTS for step in parse(transcript(name)))
    missing = [verb for verb in verbs(kubectl) if f"kubectl {verb} " not in f"{ran} "]
    assert not missing


def verbs(kubectl: Path, *above: str) -> Iterator[str]:
    """`get`, `create deployment`, `create secret tls` ...: those that have none under them."""
    told = subprocess.run([kubectl, *above, "--help"], capture_output=True, text=True, check=True).stdout
    sections = re.findall(r"^[\w ]*Commands(?: \(\w+\))?:\n((?:  .*\n)+)", told, re.MULTILINE)
    below = [line.split()[0] for section in sections for line in section.splitlines()]
    for verb in below:
        yield from verbs(kubectl, *above, verb)
    if not below:
        yield " ".join(above)
