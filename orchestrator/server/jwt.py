"""JSON web tokens signed with ES256 (RFC 7515, 7518, 7519), and the key set they are verified by (RFC 7517).

Only what one issuer needs that reads its own tokens: one key, one algorithm. The cryptography is the library's, which
is loaded with the first token (it takes 12 MB).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from orchestrator.api.errors import InternalError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

Claims = dict[str, Any]

_ALGORITHM = "ES256"
#: Bytes of each coordinate of a point on the curve P-256, and of each half of a signature.
_SIZE = 32


class InvalidToken(ValueError):
    """No token of this issuer's; the message says why."""


class TokenKey:
    """The key in `file` (PEM, made by `orchestrator.util.pki.ensure_key`). It is read when it is first needed; then
    every method raises InternalError if that fails."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def sign(self, claims: Claims) -> str:
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
        from cryptography.hazmat.primitives.hashes import SHA256

        header = {"alg": _ALGORITHM, "kid": self._id}
        signed = f"{_encode(orjson.dumps(header))}.{_encode(orjson.dumps(claims))}"
        halves = decode_dss_signature(self._private.sign(signed.encode(), _ecdsa(SHA256())))
        return f"{signed}.{_encode(b''.join(half.to_bytes(_SIZE, 'big') for half in halves))}"

    def verify(self, token: str) -> Claims:
        """The claims, which this key signed; their times are not looked at. Raises InvalidToken."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
        from cryptography.hazmat.primitives.hashes import SHA256

        signed, _, signature = token.rpartition(".")
        header, _, payload = signed.partition(".")
        if _json(header).get("alg") != _ALGORITHM:
            raise InvalidToken(f"it is not signed with {_ALGORITHM}")
        raw = _decode(signature)
        if len(raw) != 2 * _SIZE:
            raise InvalidToken("its signature has the wrong length")
        halves = (int.from_bytes(raw[:_SIZE], "big"), int.from_bytes(raw[_SIZE:], "big"))
        try:
            self._private.public_key().verify(encode_dss_signature(*halves), signed.encode(), _ecdsa(SHA256()))
        except InvalidSignature:
            raise InvalidToken("it is not signed by this cluster") from None
        return _json(payload)

    def key_set(self) -> Claims:
        """The public key as a JSON web key set."""
        point = self._private.public_key().public_numbers()
        key = {
            "use": "sig",
            "kty": "EC",
            "kid": self._id,
            "crv": "P-256",
            "alg": _ALGORITHM,
            "x": _encode(point.x.to_bytes(_SIZE, "big")),
            "y": _encode(point.y.to_bytes(_SIZE, "big")),
        }
        return {"keys": [key]}

    @cached_property
    def _private(self) -> EllipticCurvePrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            key = load_pem_private_key(self._file.read_bytes(), None)
        except (OSError, ValueError) as error:
            raise InternalError(
                f"the key of service account tokens cannot be read: {error}: see `podlab up`"
            ) from error
        if not isinstance(key, EllipticCurvePrivateKey):
            raise InternalError(f"{self._file} holds no elliptic curve key: remove it and run `podlab up`")
        return key

    @cached_property
    def _id(self) -> str:
        """The hash of the public key, as Kubernetes names keys."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        public = self._private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return _encode(hashlib.sha256(public).digest())


def peek(token: str) -> Claims:
    """The claims of a token that nobody has verified. Raises InvalidToken."""
    parts = token.split(".")
    if len(parts) != 3:
        raise InvalidToken("it has not three parts")
    return _json(parts[1])


def _ecdsa(digest: Any) -> Any:
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA

    return ECDSA(digest)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidToken(f"it is not base64: {error}") from None


def _json(part: str) -> Claims:
    try:
        value = orjson.loads(_decode(part))
    except orjson.JSONDecodeError as error:
        raise InvalidToken(f"it is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise InvalidToken("it is no JSON object")
    return value
