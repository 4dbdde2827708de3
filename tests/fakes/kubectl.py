"""kubectl as the admin of a test's API server."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from orchestrator.util.settings import Settings


def admin_config(settings: Settings) -> Path:
    """Writes a kubeconfig into the home folder."""
    cluster = {"server": settings.server, "certificate-authority": str(settings.pki / "ca.crt")}
    user = {"client-certificate": str(settings.pki / "admin.crt"), "client-key": str(settings.pki / "admin.key")}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    file = settings.home / "kubeconfig"
    file.write_text(yaml.safe_dump(content))
    return file


@dataclass(frozen=True, slots=True)
class Kubectl:
    """Runs `program`; gives standard output, and standard error after it."""

    program: Path
    config: Path
    namespace: str

    def __call__(self, command: str, *more: str, stdin: str = "", fails: bool = False) -> str:
        """`command` is split at blanks. `fails` expects a failure."""
        arguments = [str(self.program), "-n", self.namespace, *command.split(), *more]
        environment = {**os.environ, "KUBECONFIG": str(self.config), "HOME": str(self.config.parent)}
        done = subprocess.run(arguments, input=stdin, env=environment, capture_output=True, text=True, timeout=30)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr
