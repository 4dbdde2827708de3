"""The cluster's certificate authority and the certificates it signs (ECDSA P-256; fast to make and to verify)."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from orchestrator.util.files import write_atomically
from orchestrator.util.identity import Identity, identity

__all__ = ["Identity", "ensure", "ensure_ca", "ensure_key", "identity"]

_YEARS = 10


def ensure_ca(folder: Path) -> None:
    """Make `ca.crt` and `ca.key` unless they are there."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    ca = identity(folder, "ca")
    if ca.exists:
        return
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "podlab-ca")])
    certificate = (
        _builder(subject, subject, key.public_key())
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
    ca = identity(folder, "ca")
    ca_key = serialization.load_pem_private_key(ca.key.read_bytes(), None)
    ca_certificate = x509.load_pem_x509_certificate(ca.certificate.read_bytes())
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in organizations]
    attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
    builder = (
        _builder(x509.Name(attributes), ca_certificate.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(ca=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
            critical=False,
        )
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
    )
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
    _write(wanted, builder.sign(ca_key, hashes.SHA256()), key)
    return wanted


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


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=365 * _YEARS))
    )


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
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
