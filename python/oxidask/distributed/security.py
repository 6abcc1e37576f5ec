"""How the links of a cluster are secured: certificates, keys, and a shared secret."""

from __future__ import annotations

import ssl
from html import escape
from typing import Any

from oxidask import config

__all__ = ["Security"]

_ROLES = ("client", "scheduler", "worker")
_VERSIONS = {1.2: ssl.TLSVersion.TLSv1_2, 1.3: ssl.TLSVersion.TLSv1_3}
_ABSENT = object()


class Security:
    """Certificates and keys for TLS, and whether links must be encrypted.

    What is not given comes from the configuration (``distributed.comm.tls``).

    Parameters
    ----------
    require_encryption : bool, optional
        Whether links without TLS are refused.
    tls_ca_file : str, optional
        The certificate of the authority: a file, or its text in PEM.
    tls_client_cert, tls_client_key : str, optional
        Certificate and key of clients: files, or texts in PEM. One file may hold both.
    tls_scheduler_cert, tls_scheduler_key : str, optional
        The same for schedulers.
    tls_worker_cert, tls_worker_key : str, optional
        The same for workers.
    tls_ciphers : str, optional
        Ciphers in OpenSSL's notation, for contexts of Python's `ssl`.
    tls_min_version, tls_max_version : ssl.TLSVersion, optional
        TLS 1.2 or 1.3.
    extra_conn_args : dict, optional
        Kept for those who ask; links take no further arguments.
    token : str, optional
        A secret that both ends of each link must know; it allows addresses beyond this machine
        without TLS.

    Examples
    --------
    >>> Security(tls_ca_file="ca.pem", require_encryption=True).tls_ca_file
    'ca.pem'
    """

    __slots__ = (
        "extra_conn_args",
        "require_encryption",
        "tls_ca_file",
        "tls_ciphers",
        "tls_client_cert",
        "tls_client_key",
        "tls_max_version",
        "tls_min_version",
        "tls_scheduler_cert",
        "tls_scheduler_key",
        "tls_worker_cert",
        "tls_worker_key",
        "token",
    )

    def __init__(self, require_encryption: bool | None = None, **kwargs: Any) -> None:
        unknown = sorted(set(kwargs) - set(self.__slots__))
        if unknown:
            raise TypeError(f"Invalid parameters: {unknown}")
        self.extra_conn_args = kwargs.pop("extra_conn_args", None) or {}
        if require_encryption is None:
            require_encryption = config.get("distributed.comm.require-encryption", None)
        self.require_encryption = bool(require_encryption)
        self.tls_ciphers = _given(kwargs, "tls_ciphers", "distributed.comm.tls.ciphers")
        self.tls_ca_file = _given(kwargs, "tls_ca_file", "distributed.comm.tls.ca-file")
        for role in _ROLES:
            for kind in ("cert", "key"):
                name = f"tls_{role}_{kind}"
                value = _given(kwargs, name, f"distributed.comm.tls.{role}.{kind}")
                setattr(self, name, value)
        self.tls_min_version = _version(kwargs, "min") or ssl.TLSVersion.TLSv1_2
        self.tls_max_version = _version(kwargs, "max")
        self.token = _given(kwargs, "token", "distributed.comm.token")

    @classmethod
    def temporary(cls, **kwargs: Any) -> Security:
        """Make an authority and a certificate, for all roles of one cluster.

        Parameters
        ----------
        **kwargs
            Further arguments of `Security`.

        Returns
        -------
        Security
            It holds them and the key in memory only.
        """
        from oxidask import _native

        authority, certificate, key = _native.temporary_certificates()
        options: dict[str, Any] = {"require_encryption": True, "tls_ca_file": authority}
        for role in _ROLES:
            options[f"tls_{role}_cert"] = certificate
            options[f"tls_{role}_key"] = key
        return cls(**{**options, **kwargs})

    def get_tls_config_for_role(self, role: str) -> dict[str, Any]:
        """Return ``ca_file``, ``cert``, ``key`` and ``ciphers`` of a role.

        Parameters
        ----------
        role
            ``"client"``, ``"scheduler"`` or ``"worker"``.
        """
        if role not in _ROLES:
            raise ValueError(f"unknown role {role!r}: expected one of {_ROLES}")
        return {
            "ca_file": self.tls_ca_file,
            "cert": getattr(self, f"tls_{role}_cert"),
            "key": getattr(self, f"tls_{role}_key"),
            "ciphers": self.tls_ciphers,
        }

    def get_listen_args(self, role: str) -> dict[str, Any]:
        """Return ``ssl_context`` and ``require_encryption`` for those who listen."""
        return {
            "ssl_context": self._context(role, ssl.Purpose.CLIENT_AUTH),
            "require_encryption": self.require_encryption,
        }

    def get_connection_args(self, role: str) -> dict[str, Any]:
        """Return those for who connects, and ``extra_conn_args``."""
        return {
            "ssl_context": self._context(role, ssl.Purpose.SERVER_AUTH),
            "require_encryption": self.require_encryption,
            "extra_conn_args": self.extra_conn_args,
        }

    def for_core(self, role: str) -> dict[str, Any] | None:
        """Return what the native part needs to know for a role; None for plain links."""
        tls = self.get_tls_config_for_role(role)
        found = {
            "tls_ca_file": tls["ca_file"] if tls["cert"] else None,
            "tls_cert": tls["cert"] if tls["ca_file"] else None,
            "tls_key": (tls["key"] or tls["cert"]) if tls["ca_file"] else None,
            "token": self.token,
            "require_encryption": self.require_encryption,
        }
        return found if any(found.values()) else None

    def has_tls(self, role: str) -> bool:
        """Whether a role has a certificate."""
        return bool(self.tls_ca_file and getattr(self, f"tls_{role}_cert"))

    def _context(self, role: str, purpose: ssl.Purpose) -> ssl.SSLContext | None:
        tls = self.get_tls_config_for_role(role)
        ca_file, cert, key = tls["ca_file"], tls["cert"], tls["key"]
        if not (ca_file and cert):
            return None
        text = {"cadata": ca_file} if _is_pem(ca_file) else {"cafile": ca_file}
        context = ssl.create_default_context(purpose=purpose, **text)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.minimum_version = self.tls_min_version
        if self.tls_max_version is not None:
            context.maximum_version = self.tls_max_version
        if _is_pem(cert):
            from oxidask.distributed._certificates import load_pair

            load_pair(context, cert, key)
        else:
            context.load_cert_chain(cert, key)
        if self.tls_ciphers:
            context.set_ciphers(self.tls_ciphers)
        return context

    def _rows(self) -> dict[str, Any]:
        rows: dict[str, Any] = {}
        for name in sorted(self.__slots__):
            value = getattr(self, name)
            if name == "token":
                rows[name] = "set" if value else None
            elif isinstance(value, str) and name.startswith("tls_") and name != "tls_ciphers":
                rows[name] = "Temporary (In-memory)" if _is_pem(value) else f"Local ({value})"
            elif isinstance(value, ssl.TLSVersion):
                rows[name] = value.name
            else:
                rows[name] = value
        return {name: value for name, value in rows.items() if value not in (None, {})}

    def __repr__(self) -> str:
        rows = ", ".join(f"{name}={value!r}" for name, value in self._rows().items())
        return f"Security({rows})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{name}</th><td>{escape(str(value))}</td></tr>"
            for name, value in self._rows().items()
        )
        return f"<h3>Security</h3><table>{rows}</table>"


def security_of(given: Any) -> Security:
    """Return what ``security=`` means: True is temporary certificates, a dict its arguments."""
    if given is None or given is False:
        return Security()
    if given is True:
        return Security.temporary()
    if isinstance(given, dict):
        return Security(**given)
    if not isinstance(given, Security):
        raise TypeError(f"security must be a Security, not {given!r}")
    return given


def _given(kwargs: dict[str, Any], name: str, setting: str) -> Any:
    value = kwargs.get(name, _ABSENT)
    return config.get(setting, None) if value is _ABSENT else value


def _version(kwargs: dict[str, Any], end: str) -> ssl.TLSVersion | None:
    name, setting = f"tls_{end}_version", f"distributed.comm.tls.{end}-version"
    if name in kwargs:
        value, shown = kwargs[name], name
        if value is None:
            return None
        if value in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            return ssl.TLSVersion(value)
        expected: list[Any] = list(_VERSIONS.values())
    else:
        value, shown = config.get(setting, None), setting
        if value is None:
            return None
        if value in _VERSIONS:
            return _VERSIONS[value]
        expected = list(_VERSIONS)
    raise ValueError(f"{shown}={value!r} is not supported, expected one of {expected}")


def _is_pem(text: str) -> bool:
    return "\n" in text
