"""Certificates made for one cluster, and their use by Python's `ssl`."""

from __future__ import annotations

import os
import ssl
import tempfile

from oxidask import _native

__all__ = ["load_pair", "self_signed"]


def self_signed() -> tuple[str, str]:
    """Return a certificate that vouches for itself, and its key, as texts in PEM."""
    make = getattr(_native, "self_signed_certificate", None)
    if make is not None:
        certificate, key = make()
        return str(certificate), str(key)
    try:
        return _by_cryptography()
    except ImportError as error:
        raise ImportError(
            "temporary certificates need the package `cryptography`: install it with "
            "`pip install cryptography`, or give files to Security(tls_ca_file=..., ...)"
        ) from error


def load_pair(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    """Load a certificate and a key that are texts: `ssl` reads files only."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "pair.pem")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write((key or "") + "\n" + certificate)
        context.load_cert_chain(path)


def _by_cryptography() -> tuple[str, str]:
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "oxidask-cluster")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("oxidask-cluster")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), text
