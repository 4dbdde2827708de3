"""An image whose user is in groups of its own."""

from __future__ import annotations

import io
import subprocess
import tarfile

from agent.runtime.base import Runtime

_NAME = "podlab-test/groups:1"
_FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nmember:x:1000:1000::/:/bin/sh\n",
    "etc/group": "root:x:0:\nmember:x:1000:\nclub:x:50000:member\n",
}


def with_groups(runtime: Runtime, base: str) -> str:
    """As `base`, run by the user `member` (1000), whom its /etc/group has in group 50000."""
    source = io.BytesIO(b"".join(runtime.export_image(base)))
    made = io.BytesIO()
    with tarfile.open(fileobj=source) as old, tarfile.open(fileobj=made, mode="w") as new:
        for member in old:
            if member.name not in _FILES and not member.isdev():
                new.addfile(member, old.extractfile(member) if member.isreg() else None)
        for name, text in _FILES.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            new.addfile(entry, io.BytesIO(text.encode()))
    runtime.import_image(made.getvalue(), _NAME, ["USER member", "ENV PATH=/bin:/usr/bin:/sbin"])
    return _NAME


def remove(reference: str) -> None:
    subprocess.run(["docker", "rmi", reference], capture_output=True)
