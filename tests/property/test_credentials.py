"""What strangers show to be let in: tokens, and requests for certificates."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.api.certificates import UnreadableRequest, subject
from orchestrator.server.jwt import InvalidToken, TokenKey, peek
from orchestrator.util import pki
from tests.fakes.api import live_api
from tests.unit.orchestrator.server.http_client import Https

from .bounded import bounded, spoilt

ISSUER = "https://kubernetes.default.svc"


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


_values = st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.lists(st.text(max_size=3), max_size=2)
_claims = st.dictionaries(
    st.sampled_from(("iss", "exp", "nbf", "aud", "sub", "kubernetes.io", "alg")), st.just(ISSUER) | _values
)
_signatures = st.text(max_size=5) | st.binary(min_size=64, max_size=64).map(
    lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("=")
)
_tokens = st.text(max_size=20) | st.builds(
    lambda header, claims, signature: f"{_part(header)}.{_part(claims)}.{signature}",
    st.just({"alg": "ES256"}) | _claims | _values,
    _claims.map(lambda claims: {"iss": ISSUER, **claims}) | _values,
    _signatures,
)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> TokenKey:
    file: Path = tmp_path_factory.mktemp("key") / "token.key"
    pki.ensure_key(file)
    return TokenKey(file)


@bounded
@given(_tokens)
def test_tokens_that_nobody_signed(key: TokenKey, token: str) -> None:
    with suppress(InvalidToken):
        assert isinstance(peek(token), dict)
    with pytest.raises(InvalidToken):
        key.verify(token)


@bounded
@given(st.data())
def test_tokens_that_were_spoilt(key: TokenKey, choice: st.DataObject) -> None:
    sound = key.sign({"iss": ISSUER, "sub": "me"})
    token = choice.draw(spoilt(sound.encode())).decode("latin-1")
    with suppress(InvalidToken):
        assert key.verify(token) == key.verify(sound)


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[http.client.HTTPSConnection]:
    """A client without a certificate."""
    with live_api(tmp_path_factory.mktemp("home")) as (_, settings), closing(Https(settings, "").connect()) as made:
        yield made


@bounded
@given(
    st.sampled_from(("Bearer ", "bearer", "Basic ", "Negotiate ", "", "Bearer Bearer ", "\t")),
    _tokens | st.text(st.characters(max_codepoint=255), max_size=30),
)
def test_authorization_headers(stranger: http.client.HTTPSConnection, scheme: str, token: str) -> None:
    """Refused as HTTP (400), refused (401), or no header at all: then it is anybody's page."""
    value = (scheme + token).encode("latin-1", "replace").replace(b"\r", b"").replace(b"\n", b"")
    stranger.request("GET", "/version", headers={"Authorization": value})
    answer = stranger.getresponse()
    answer.read()
    if answer.status == 200:
        assert not value.strip()
    else:
        assert answer.status in (400, 401)
    if answer.status == 400:
        stranger.close()  # so does the server: it cannot know where the next request begins


def _request() -> bytes:
    """In DER."""
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, "me"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "we")]
    )
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("me")]), critical=False)
    return builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(Encoding.DER)


_DER = _request()


@bounded
@given(st.binary(max_size=80) | spoilt(_DER, most=4))
def test_certificate_requests(content: bytes) -> None:
    begin, end = (f"-----{word} CERTIFICATE REQUEST-----\n".encode() for word in ("BEGIN", "END"))
    for request in (content, begin + base64.encodebytes(content) + end):
        with suppress(UnreadableRequest):
            assert subject(request) == subject(begin + base64.encodebytes(_DER) + end)


def test_a_request_of_another_version() -> None:
    """The one of these that the library has an error of its own for."""
    other = _DER.replace(b"\x02\x01\x00", b"\x02\x01\x01", 1)
    begin, end = (f"-----{word} CERTIFICATE REQUEST-----\n".encode() for word in ("BEGIN", "END"))
    with pytest.raises(UnreadableRequest):
        subject(begin + base64.encodebytes(other) + end)
