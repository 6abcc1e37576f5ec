//! Certificates and tokens: from flags, and else from the configuration.

use std::path::PathBuf;

use anyhow::Result;
use oxidask::core::config::{Config, Value};
use oxidask::runtime::wire::transport::{Security, SecurityFiles};

/// Flags of secrets.
#[derive(clap::Args, Debug)]
pub(crate) struct SecretArguments {
    /// Certificates of the cluster's authority (PEM); for tls:// addresses.
    #[arg(long, value_name = "FILE")]
    tls_ca_file: Option<PathBuf>,
    /// This process's certificate (PEM), signed by the authority.
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// The private key of the certificate (PEM).
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// A file whose first line is the cluster's token; else $OXIDASK_TOKEN is looked at.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl SecretArguments {
    /// The secrets of a `scheduler` or a `worker`.
    pub(super) fn security(&self, config: &Config, role: &str) -> Result<Security> {
        let set = |key: String| match config.get(&key) {
            Some(Value::Str(path)) => Some(PathBuf::from(&**path)),
            _ => None,
        };
        let flag = |flag: &Option<PathBuf>, key: String| flag.clone().or_else(|| set(key));
        let tls = "distributed.comm.tls";
        Ok(Security::from_files(&SecurityFiles {
            authority: flag(&self.tls_ca_file, format!("{tls}.ca-file")),
            certificate: flag(&self.tls_cert, format!("{tls}.{role}.cert")),
            key: flag(&self.tls_key, format!("{tls}.{role}.key")),
            token: self.token_file.clone(),
        })?)
    }
}
