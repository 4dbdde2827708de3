"""Files from the distribution's packages (Debian, Ubuntu), without installing them and without root."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

#: Dependencies worth following: shared libraries, the data of a program, and what nginx-light only stands for.
_FOLLOWED = re.compile(r"(lib|zlib)[a-z0-9.+-]*|[a-z]+-common|nginx(-core)?")
_SKIPPED = re.compile(r"libnginx-mod-.*|init-system-.*")
_INTERPRETER = re.compile(rb"/lib[\w/.-]*/?ld-linux[\w.-]*\.so\.\d+")

_LIBRARY_FOLDERS = ("lib/*-linux-*", "usr/lib/*-linux-*")


class PackagesError(Exception):
    """The packages could not be had; the message says what to do."""


def unpack(names: Sequence[str], folder: Path) -> Path:
    """Download `names` and the libraries they need, unpack all below `folder`/root and return that. Raises
    PackagesError."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise PackagesError("this machine has no apt-get: connect it to Docker Hub, or load the image (docker load)")
    root, seen, wanted = folder / "root", set(names), list(names)
    root.mkdir(parents=True)
    while wanted:
        files = _download(wanted, folder)
        for file in files:
            _run(["dpkg-deb", "-x", str(file), str(root)], folder)
        found = {name for file in files for name in _dependencies(file, folder)}
        wanted = sorted(found - seen)
        seen |= found
        for file in files:
            file.unlink()
    return root


def _download(names: Sequence[str], folder: Path) -> list[Path]:
    command = ["apt-get", "download", "-q", *names]
    if subprocess.run(command, cwd=folder, capture_output=True).returncode:
        # The package lists may be missing or too old; as root they can be had anew.
        subprocess.run(["apt-get", "update", "-q"], cwd=folder, capture_output=True)
        _run(command, folder)
    return sorted(folder.glob("*.deb"))


def _dependencies(file: Path, folder: Path) -> set[str]:
    """Names of the packages in Depends that are worth following; of alternatives the first."""
    text = _run(["dpkg-deb", "-f", str(file), "Pre-Depends", "Depends"], folder)
    fields = [line.partition(":")[2] for line in text.splitlines()]
    names = {re.split(r"[ :(|]", item.strip())[0] for field in fields for item in field.split(",") if item.strip()}
    return {name for name in names if _FOLLOWED.fullmatch(name) and not _SKIPPED.fullmatch(name)}


def shared_libraries(root: Path, binary: str) -> dict[str, Path]:
    """What the dynamic `binary` (a path below `root`) needs at run time: path in the image -> file below `root`.

    Asks the unpacked tree's own loader, so the host's libraries play no part. A static binary needs nothing.
    """
    interpreter = _INTERPRETER.search((root / binary.lstrip("/")).read_bytes())
    if interpreter is None:
        return {}
    loader = _loader(root, interpreter.group().decode())
    folders = ":".join(
        str(folder) for pattern in ("lib/*-linux-*", "usr/lib/*-linux-*") for folder in root.glob(pattern)
    )
    listing = _run([str(loader), "--library-path", folders, "--list", str(root / binary.lstrip("/"))], root)
    libraries = {interpreter.group().decode(): loader}
    for match in re.finditer(r"=> (/\S+)", listing):
        library = Path(match.group(1))
        if not library.is_relative_to(root):
            raise PackagesError(f"{binary} needs {library.name}, which is in none of its packages")
        libraries[f"/{library.relative_to(root)}"] = library.resolve()
    return libraries


def _loader(root: Path, interpreter: str) -> Path:
    name = Path(interpreter).name
    # The link in /lib64 is absolute, so it leads out of `root`; the loader itself lies beside libc.
    for pattern in _LIBRARY_FOLDERS:
        for file in sorted(root.glob(f"{pattern}/{name}")):
            return file
    raise PackagesError(f"the packages have no dynamic loader {name}")


def _run(command: Sequence[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise PackagesError(f"{' '.join(command[:3])} failed: {words}")
    return done.stdout
