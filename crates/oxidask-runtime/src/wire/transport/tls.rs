//! Certificates: both sides show one of the cluster's authority.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, Connection, DigitallySignedStruct, Error,
    RootCertStore, ServerConfig, ServerConnection, SignatureScheme,
};

/// What a side needs for TLS.
pub struct Tls {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

/// Certificates that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A text without what it should have.
    #[error("the {what} can't be read: {reason}; it has to be PEM")]
    Pem {
        /// Which of the three.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Certificates that don't belong together, say.
    #[error("the certificates can't be used: {0}")]
    Config(String),
}

impl Tls {
    /// From PEM texts: the certificate of the cluster's authority (one or several), a certificate that
    /// it has signed with what leads up to the authority, and its private key.
    ///
    /// A certificate of the authority makes its holder part of the cluster, wherever it is: workers
    /// come and go under any address. With `check_names`, the certificate of whoever one connects to
    /// has to be for the host that was asked for.
    ///
    /// # Errors
    /// If a text is no PEM, or the key is not the certificate's.
    pub fn new(
        authority: &[u8],
        certificate: &[u8],
        key: &[u8],
        check_names: bool,
    ) -> Result<Self, TlsError> {
        let config = |error: &dyn fmt::Display| TlsError::Config(error.to_string());
        let mut roots = RootCertStore::empty();
        for root in certificates(authority, "authority's certificate")? {
            roots.add(root).map_err(|error| config(&error))?;
        }
        let roots = Arc::new(roots);
        let chain = certificates(certificate, "certificate")?;
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|error| TlsError::Pem { what: "private key", reason: error.to_string() })?;
        let provider = Arc::new(default_provider());
        let openers =
            WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider))
                .build()
                .map_err(|error| config(&error))?;
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                let builder = builder.with_client_cert_verifier(openers);
                builder.with_single_cert(chain.clone(), key.clone_key())
            })
            .map_err(|error| config(&error))?;
        let acceptors = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
            .build()
            .map_err(|error| config(&error))?;
        let verifier = Arc::new(OfTheCluster { inner: acceptors, check_names });
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
                builder.with_client_auth_cert(chain, key)
            })
            .map_err(|error| config(&error))?;
        Ok(Self { server: Arc::new(server), client: Arc::new(client) })
    }

    /// A connection that was accepted.
    pub(super) fn accept(&self) -> io::Result<Connection> {
        let connection = ServerConnection::new(Arc::clone(&self.server));
        connection.map(Connection::Server).map_err(io::Error::other)
    }

    /// A connection to a host.
    pub(super) fn open(&self, host: &str) -> io::Result<Connection> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let connection = ClientConnection::new(Arc::clone(&self.client), name);
        connection.map(Connection::Client).map_err(io::Error::other)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls(..)")
    }
}

fn certificates(pem: &[u8], what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |reason: String| TlsError::Pem { what, reason };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(wrong("there is no certificate in it".into())),
        Ok(found) => Ok(found),
        Err(error) => Err(wrong(error.to_string())),
    }
}

/// Takes certificates of the cluster's authority, for whatever host they are.
#[derive(Debug)]
struct OfTheCluster {
    inner: Arc<WebPkiServerVerifier>,
    check_names: bool,
}

impl ServerCertVerifier for OfTheCluster {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.inner.verify_server_cert(end_entity, intermediates, name, ocsp, now) {
            // The chain is checked before the name.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.check_names => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
