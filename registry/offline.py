"""Images made from the distribution's packages, for machines that cannot reach Docker Hub.

The same software as the images on Docker Hub (nginx, registry:2, busybox), put together in seconds: the program, the
libraries it needs, a configuration, and busybox for a shell and the usual commands.
"""

from __future__ import annotations

import hashlib
import io
import logging
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agent.runtime.base import NoSuchImage, Runtime, RuntimeFailure
from registry import packages

log = logging.getLogger(__name__)

Say = Callable[[str], None]

_PATH = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PASSWD = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
_GROUP = "root:x:0:\nnogroup:x:65534:\n"

_NGINX_CONF = """\
user nginx;
worker_processes auto;
error_log /dev/stderr notice;
pid /run/nginx.pid;
events { worker_connections 1024; }
http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log /dev/stdout combined;
    sendfile on;
    keepalive_timeout 65;
    include /etc/nginx/conf.d/*.conf;
}
"""
_NGINX_SITE = """\
server {
    listen 80;
    root /usr/share/nginx/html;
    index index.html;
}
"""
_NGINX_PAGE = "<!DOCTYPE html><title>Welcome to nginx!</title><h1>Welcome to nginx!</h1>\n"
_REGISTRY_CONFIG = """\
version: 0.1
storage:
  filesystem:
    rootdirectory: /var/lib/registry
  delete:
    enabled: true
  cache:
    blobdescriptor: inmemory
http:
  addr: :5000
"""


@dataclass(frozen=True, slots=True)
class Recipe:
    """`programs` are dynamic or static binaries, `copies` other files of the packages; paths are those in the image.
    `instructions` are a Dockerfile's."""

    packages: Sequence[str]
    instructions: Sequence[str]
    programs: Sequence[str] = ()
    copies: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    folders: Sequence[str] = ()

    @property
    def fingerprint(self) -> str:
        """Changes with the recipe, so that an image of an older podlab is not taken for this one."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:8]


RECIPES: Mapping[str, Recipe] = {
    "busybox": Recipe(["busybox-static"], [_PATH, 'CMD ["sh"]']),
    "nginx": Recipe(
        ["nginx-light", "busybox-static"],
        # SIGQUIT is nginx' graceful stop: requests under way are answered.
        [_PATH, "EXPOSE 80", "STOPSIGNAL SIGQUIT", 'CMD ["nginx", "-g", "daemon off;"]'],
        programs=["/usr/sbin/nginx"],
        copies=["/etc/nginx/mime.types"],
        files={
            "/etc/passwd": f"{_PASSWD}nginx:x:101:101:nginx:/nonexistent:/bin/false\n",
            "/etc/group": f"{_GROUP}nginx:x:101:\n",
            "/etc/nginx/nginx.conf": _NGINX_CONF,
            "/etc/nginx/conf.d/default.conf": _NGINX_SITE,
            "/usr/share/nginx/html/index.html": _NGINX_PAGE,
        },
        folders=["/var/lib/nginx", "/var/log/nginx", "/run"],
    ),
    "registry": Recipe(
        ["docker-registry", "busybox-static"],
        [
            _PATH,
            "EXPOSE 5000",
            "VOLUME /var/lib/registry",
            'ENTRYPOINT ["docker-registry"]',
            'CMD ["serve", "/etc/docker/registry/config.yml"]',
        ],
        programs=["/usr/bin/docker-registry"],
        files={"/etc/docker/registry/config.yml": _REGISTRY_CONFIG},
        folders=["/var/lib/registry"],
    ),
}


def build(runtime: Runtime, name: str, say: Say = log.info) -> str:
    """A reference to image `name` (a key of RECIPES), made unless the engine has it. Raises RuntimeFailure.

    `say` is told of each step; it takes seconds, most of them to download.
    """
    recipe = RECIPES[name]
    reference = f"podlab/{name}:offline-{recipe.fingerprint}"
    try:
        runtime.image(reference)
        return reference
    except NoSuchImage:
        say(f"making {reference} from the packages {', '.join(recipe.packages)}")
    try:
        with tempfile.TemporaryDirectory(prefix="podlab-") as folder:
            root = packages.unpack(recipe.packages, Path(folder))
            files = _assemble(recipe, root)
    except packages.PackagesError as error:
        raise RuntimeFailure(f"image {name} is neither on Docker Hub nor in the packages: {error}") from error
    say(f"giving {reference} ({len(files) / 1e6:.0f} MB) to the engine")
    runtime.build(_context(recipe, files), reference, {})
    return reference


def _context(recipe: Recipe, files: bytes) -> bytes:
    """A build context: an import could not set the stop signal."""
    dockerfile = "\n".join(["FROM scratch", "ADD files.tar /", *recipe.instructions])
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        _add_file(tar, "/Dockerfile", dockerfile.encode(), 0o644)
        _add_file(tar, "/files.tar", files, 0o644)
    return buffer.getvalue()


def _assemble(recipe: Recipe, root: Path) -> bytes:
    """The image's files as a tar."""
    files: dict[str, Path] = {path: root / path[1:] for path in (*recipe.programs, *recipe.copies)}
    for program in recipe.programs:
        files |= packages.shared_libraries(root, program)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        _add_folder(tar, "/tmp", 0o1777)
        for folder in ("/root", *recipe.folders):
            _add_folder(tar, folder)
        _add_busybox(tar, root / "bin/busybox")
        for path, file in sorted(files.items()):
            _add_file(tar, path, file.read_bytes(), 0o644 if path in recipe.copies else 0o755)
        for path, text in {"/etc/passwd": _PASSWD, "/etc/group": _GROUP, **recipe.files}.items():
            _add_file(tar, path, text.encode(), 0o644)
    return buffer.getvalue()


def _add_busybox(tar: tarfile.TarFile, binary: Path) -> None:
    """busybox, and a link for each of its commands."""
    if not binary.exists():
        binary = binary.parents[1] / "usr/bin/busybox"
    _add_file(tar, "/bin/busybox", binary.read_bytes(), 0o755)
    commands = subprocess.run([binary, "--list"], capture_output=True, text=True, check=True).stdout.split()
    for command in commands:
        if command == "busybox":
            continue
        link = tarfile.TarInfo(f"./bin/{command}")
        link.type, link.linkname, link.mode = tarfile.SYMTYPE, "busybox", 0o777
        tar.addfile(link)


def _add_file(tar: tarfile.TarFile, path: str, data: bytes, mode: int) -> None:
    info = tarfile.TarInfo(f".{path}")
    info.size, info.mode = len(data), mode
    tar.addfile(info, io.BytesIO(data))


def _add_folder(tar: tarfile.TarFile, path: str, mode: int = 0o755) -> None:
    info = tarfile.TarInfo(f".{path}")
    info.type, info.mode = tarfile.DIRTYPE, mode
    tar.addfile(info)
