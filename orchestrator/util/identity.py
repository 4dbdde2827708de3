"""Where an identity's certificate is. Apart from `pki`, because who only shows a certificate need not pay (9 MB) for
the library that signs them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Identity:
    """Certificate and key files of one identity, with the CA that both ends trust."""

    certificate: Path
    key: Path
    ca: Path

    @property
    def exists(self) -> bool:
        return self.certificate.exists() and self.key.exists()


def identity(folder: Path, name: str) -> Identity:
    return Identity(folder / f"{name}.crt", folder / f"{name}.key", folder / "ca.crt")
