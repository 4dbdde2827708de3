from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path

from tests.conftest import newest_kubectl
from tests.e2e.harness import RealCluster
from tests.exercises.shell import Shell
from tests.exercises.steps import Step, read

FOLDER = Path(__file__).parent / "ckad"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.exercises")
    parser.add_argument("sections", nargs="*", help=f"of {', '.join(sorted(file.stem for file in FOLDER.iterdir()))}")
    parser.add_argument("--kubectl", type=Path, default=None)
    given = parser.parse_args()
    kubectl = given.kubectl or newest_kubectl()
    if kubectl is None:
        sys.exit("kubectl is needed and not there")
    files = [FOLDER / f"{section}.txt" for section in given.sections] or sorted(FOLDER.iterdir())
    with tempfile.TemporaryDirectory() as folder:
        cluster = RealCluster(Path(folder), "exercises", kubectl)
        try:
            cluster.podlab("up", "--nodes", "2", *cluster.settings())
            results = {file.stem: section(cluster, file) for file in files}
        finally:
            cluster.podlab("down", "--purge", check=False)
    for name, (passed, total) in results.items():
        print(f"{name:24} {passed:4} / {total}")
    passed, total = (sum(column) for column in zip(*results.values(), strict=True))
    print(f"{'all':24} {passed:4} / {total}")
    return 0 if passed == total else 1


def section(cluster: RealCluster, file: Path) -> tuple[int, int]:
    """Passed and counted commands of one file; what went wrong is printed."""
    folder = cluster.folder / file.stem
    folder.mkdir()
    (folder / "bin").mkdir()
    (folder / "bin" / "kubectl").symlink_to(cluster.kubectl_binary)
    environment = cluster.environment
    shell = Shell(folder, environment | {"PATH": f"{folder / 'bin'}:{environment['PATH']}", "HOME": str(folder)})
    passed = total = 0
    for step in read(file):
        problem = failed(step, *shell.run(step))
        passed += step.counted and not problem
        total += step.counted
        if problem:
            print(f"{file.stem}: {step.mark} {step.text}\n{problem}", flush=True)
    shell.close()
    return passed, total


def failed(step: Step, code: int, output: str) -> str:
    """What is wrong with how the step went, "" when nothing is."""
    if step.mark == "!" and code == 0:
        return f"  should have failed\n{output}"
    if step.mark in "$%" and code != 0:
        return f"  exit code {code}\n{output}"
    missing = [pattern for pattern in step.patterns if not re.search(pattern, output, re.MULTILINE)]
    return f"  no {missing} in\n{output}" if missing else ""


if __name__ == "__main__":
    sys.exit(main())
