"""The cluster's certificate authority and the certificates it signs (ECDSA P-256; fast to make and to verify)."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from orchestrator.util.files import write_atomically
from orchestrator.util.identity import Identity, identity

__all__ = ["Identity", "ensure", "ensure_ca", "ensure_key", "identity", "sign"]

#: Of what the cluster makes for itself, in seconds.
_LIFETIME = 10 * 365 * 86400.0

Use = Literal["client auth", "server auth"]
USES: dict[Use, x509.ObjectIdentifier] = {
    "client auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "server auth": ExtendedKeyUsageOID.SERVER_AUTH,
}
_PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey


def ensure_ca(folder: Path) -> None:
    """Make `ca.crt` and `ca.key` unless they are there."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    ca = identity(folder, "ca")
    if ca.exists:
        return
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "podlab-ca")])
    certificate = (
        _builder(subject, subject, key.public_key(), _from_now(_LIFETIME))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_key_usage(ca=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(ca, certificate, key)


def ensure(
    folder: Path, name: str, common_name: str, organizations: Sequence[str] = (), hosts: Sequence[str] = ()
) -> Identity:
    """Make NAME.crt and NAME.key, signed by the folder's CA, unless they are there.

    `common_name` is the user and `organizations` are the groups that the API server takes from it; `hosts` are the
    DNS names and IP addresses that a server under this identity is reached by.
    """
    wanted = identity(folder, name)
    if wanted.exists:
        return wanted
    ensure_ca(folder)
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in organizations]
    attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
    uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    _write(wanted, _signed(folder, x509.Name(attributes), key.public_key(), uses, [_host(host) for host in hosts]), key)
    return wanted


def sign(folder: Path, request: bytes, uses: Sequence[Use], seconds: float) -> bytes:
    """A certificate, PEM, for a PEM request (PKCS#10): its subject, names and key, signed by the folder's CA.

    It is valid for `seconds`, or as long as the CA if that is shorter. Raises ValueError when the request is none.
    """
    asked = x509.load_pem_x509_csr(request)
    key = asked.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey):
        raise ValueError("the key must be ECDSA, RSA or Ed25519")
    try:
        names: list[x509.GeneralName] = list(
            asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        )
    except x509.ExtensionNotFound:
        names = []
    oids = [USES[use] for use in uses]
    return _signed(folder, asked.subject, key, oids, names, seconds).public_bytes(serialization.Encoding.PEM)


def _signed(
    folder: Path,
    subject: x509.Name,
    key: _PublicKey,
    uses: Sequence[x509.ObjectIdentifier],
    names: Sequence[x509.GeneralName],
    seconds: float = _LIFETIME,
) -> x509.Certificate:
    """A certificate by the folder's CA."""
    ca = identity(folder, "ca")
    ca_key = serialization.load_pem_private_key(ca.key.read_bytes(), None)
    ca_certificate = x509.load_pem_x509_certificate(ca.certificate.read_bytes())
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    end = min(_from_now(seconds), ca_certificate.not_valid_after_utc)
    builder = (
        _builder(subject, ca_certificate.subject, key, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(ca=False, encipherment=isinstance(key, rsa.RSAPublicKey)), critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(ca_key, hashes.SHA256())


def ensure_key(file: Path) -> None:
    """Make a private key without a certificate (P-256, PEM) unless it is there."""
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write_key(file, ec.generate_private_key(ec.SECP256R1()))


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: _PublicKey,
    end: datetime.datetime,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(end)
    )


def _from_now(seconds: float) -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)


def _key_usage(*, ca: bool, encipherment: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=encipherment,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write(identity: Identity, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    """The key first: `exists` is then true only for a whole pair."""
    _write_key(identity.key, key)
    write_atomically(identity.certificate, certificate.public_bytes(serialization.Encoding.PEM))


def _write_key(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_atomically(file, secret, 0o600)
    file.chmod(0o600)
