//! Who may come in: certificates and tokens, from files, or made for one cluster.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    KeyUsagePurpose,
};

use super::super::greeting::Token;
use super::tls::{Tls, TlsError};

/// The environment variable with the token of a cluster.
pub const TOKEN_VARIABLE: &str = "OXIDASK_TOKEN";

/// Who may come in, and how that is shown.
#[derive(Debug, Clone, Default)]
pub struct Security {
    /// Certificates, for `tls://` addresses.
    pub tls: Option<Arc<Tls>>,
    /// A secret that both sides have.
    pub token: Option<Token>,
}

/// Where the secrets of a process are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecurityFiles {
    /// Certificates of the cluster's authority (PEM).
    pub authority: Option<PathBuf>,
    /// This process's certificate, which the authority has signed (PEM).
    pub certificate: Option<PathBuf>,
    /// Its private key (PEM); if there is none, it is looked for behind the certificate.
    pub key: Option<PathBuf>,
    /// A text that all processes of the cluster have.
    pub token: Option<PathBuf>,
}

/// Certificates for one cluster, as PEM.
#[derive(Clone)]
pub struct TemporaryCertificates {
    /// Of the authority: who is signed by it belongs to the cluster.
    pub authority: String,
    /// What scheduler, workers and clients show.
    pub certificate: String,
    /// The private key to it. A secret.
    pub key: String,
}

/// Secrets that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SecurityError {
    /// A file can't be read.
    #[error("the {what} can't be read from {}: {source}", path.display())]
    File {
        /// What it was to hold.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Only some of the files of TLS were named.
    #[error(
        "TLS needs the authority's certificate and a certificate with its key: the {missing} is missing"
    )]
    Incomplete {
        /// What was not named.
        missing: &'static str,
    },
    /// A token that anybody could guess.
    #[error("the token in {place} is empty; put a line of random characters there")]
    EmptyToken {
        /// The file or variable.
        place: String,
    },
    /// The certificates are of no use.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Making certificates failed.
    #[error("certificates can't be made: {0}")]
    Make(String),
}

impl Security {
    /// A new authority and a certificate of it, kept in memory only: for a cluster whose processes are told of
    /// them as they start. Addresses are `tls://` ones.
    ///
    /// # Errors
    /// If the system gives no random bytes.
    pub fn temporary() -> Result<Self, SecurityError> {
        TemporaryCertificates::make()?.security()
    }

    /// From files. A token is a file's first line; without such a file it is looked for in the environment
    /// variable `OXIDASK_TOKEN`.
    ///
    /// # Errors
    /// If a file can't be read, or is not what it should be.
    pub fn from_files(files: &SecurityFiles) -> Result<Self, SecurityError> {
        let token = match &files.token {
            Some(path) => {
                let text = String::from_utf8_lossy(&read("token", path)?).into_owned();
                Some(token(&text, || path.display().to_string())?)
            }
            None => match std::env::var(TOKEN_VARIABLE) {
                Ok(text) => Some(token(&text, || TOKEN_VARIABLE.to_owned())?),
                Err(_) => None,
            },
        };
        Ok(Self { tls: tls(files)?.map(Arc::new), token })
    }
}

fn token(text: &str, place: impl FnOnce() -> String) -> Result<Token, SecurityError> {
    match text.lines().next().map_or("", str::trim) {
        "" => Err(SecurityError::EmptyToken { place: place() }),
        secret => Ok(Token::new(secret)),
    }
}

fn tls(files: &SecurityFiles) -> Result<Option<Tls>, SecurityError> {
    let SecurityFiles { authority, certificate, key, .. } = files;
    if authority.is_none() && certificate.is_none() && key.is_none() {
        return Ok(None);
    }
    let missing = |missing| SecurityError::Incomplete { missing };
    let authority = authority.as_deref().ok_or(missing("authority's certificate"))?;
    let certificate = certificate.as_deref().ok_or(missing("certificate"))?;
    let key = key.as_deref().unwrap_or(certificate);
    let tls = Tls::new(
        &read("authority's certificate", authority)?,
        &read("certificate", certificate)?,
        &read("private key", key)?,
        false,
    )?;
    Ok(Some(tls))
}

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, SecurityError> {
    fs::read(path).map_err(|source| SecurityError::File { what, path: path.into(), source })
}

impl TemporaryCertificates {
    /// Makes an authority and a certificate. The authority's own key is forgotten, so nobody can add to them.
    ///
    /// # Errors
    /// If the system gives no random bytes.
    pub fn make() -> Result<Self, SecurityError> {
        let failed = |error: rcgen::Error| SecurityError::Make(error.to_string());
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name = named("oxidask temporary authority");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().map_err(failed)?)
            .map_err(failed)?;
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::new(vec!["oxidask".to_owned()]).map_err(failed)?;
        params.distinguished_name = named("oxidask");
        let certificate = params.signed_by(&key, &authority).map_err(failed)?;
        Ok(Self {
            authority: authority.pem(),
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }

    /// What a process needs to show and to check them.
    ///
    /// # Errors
    /// If the texts were changed to something else.
    pub fn security(&self) -> Result<Security, SecurityError> {
        let (authority, certificate) = (self.authority.as_bytes(), self.certificate.as_bytes());
        let tls = Tls::new(authority, certificate, self.key.as_bytes(), false)?;
        Ok(Security { tls: Some(Arc::new(tls)), token: None })
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}
