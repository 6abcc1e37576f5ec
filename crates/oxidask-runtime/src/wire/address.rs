//! Where something listens: `inproc://name`, `unix:///path`, `tcp://host:port`, `tls://host:port`.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// An address to listen on or to connect to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// A name within this process.
    Inproc(String),
    /// A Unix socket.
    Unix(PathBuf),
    /// TCP, in the clear or within TLS.
    Net {
        /// Whether within TLS.
        tls: bool,
        /// A name or a number; without brackets.
        host: String,
        /// The port; 0 asks for any that is free.
        port: u16,
    },
}

/// A text that is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no address: {reason}; addresses look like tcp://127.0.0.1:8786, tls://host:8786, unix:///path or inproc://name"
)]
pub struct AddressError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Address {
    /// A TCP address of a socket.
    #[must_use]
    pub fn of_socket(socket: SocketAddr, tls: bool) -> Self {
        Self::Net { tls, host: socket.ip().to_string(), port: socket.port() }
    }

    /// Whether only this machine can reach it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Inproc(_) | Self::Unix(_) => true,
            Self::Net { host, .. } => {
                host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inproc(name) => write!(f, "inproc://{name}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Net { tls, host, port } => {
                f.write_str(if *tls { "tls://" } else { "tcp://" })?;
                match host.contains(':') {
                    true => write!(f, "[{host}]:{port}"),
                    false => write!(f, "{host}:{port}"),
                }
            }
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    /// Without a scheme it is TCP, as Dask has it.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = |reason| AddressError { text: text.into(), reason };
        let (scheme, rest) = text.split_once("://").unwrap_or(("tcp", text));
        if rest.is_empty() {
            return Err(wrong("nothing follows the scheme"));
        }
        match scheme {
            "inproc" => Ok(Self::Inproc(rest.into())),
            "unix" => Ok(Self::Unix(rest.into())),
            "tcp" | "tls" => {
                let (host, port) = split_port(rest).map_err(wrong)?;
                Ok(Self::Net { tls: scheme == "tls", host: host.into(), port })
            }
            _ => Err(wrong("the scheme is not known")),
        }
    }
}

/// `host:port`, where a host with colons stands in brackets.
fn split_port(text: &str) -> Result<(&str, u16), &'static str> {
    let (host, port) = text.rsplit_once(':').ok_or("the port is missing")?;
    let port = port.parse().map_err(|_| "the port is no number from 0 to 65535")?;
    let host = match host.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']').ok_or("a bracket is missing")?,
        None if host.contains(':') => return Err("an IPv6 host stands in brackets"),
        None => host,
    };
    if host.is_empty() { Err("the host is missing") } else { Ok((host, port)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_shown() {
        for text in [
            "tcp://127.0.0.1:8786",
            "tls://[::1]:0",
            "tcp://[fe80::1%eth0]:65535",
            "tls://scheduler.example:8786",
            "unix:///run/oxidask.sock",
            "inproc://a/b",
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        assert_eq!("host:1".parse::<Address>().unwrap().to_string(), "tcp://host:1");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, reason) in [
            ("tcp://host", "the port is missing"),
            ("tcp://::1:80", "brackets"),
            ("tcp://[::1:80", "bracket is missing"),
            ("tcp://host:70000", "no number"),
            ("tcp://:80", "host is missing"),
            ("http://host:80", "scheme is not known"),
            ("unix://", "nothing follows"),
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains(text), "{error}");
        }
    }

    #[test]
    fn loopback_is_local() {
        let local = |text: &str| text.parse::<Address>().unwrap().is_local();
        assert!(local("tcp://127.0.0.1:1") && local("tcp://[::1]:1") && local("tcp://localhost:1"));
        assert!(!local("tcp://0.0.0.0:1") && !local("tcp://[::]:1") && !local("tcp://host:1"));
    }
}
