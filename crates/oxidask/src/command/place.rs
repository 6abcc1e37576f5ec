//! Hosts, interfaces, ports and protocols as addresses.

use std::net::IpAddr;

use anyhow::{Context, Result, bail};
use oxidask::core::config::{Config, Value};
use oxidask::runtime::network;
use oxidask::runtime::wire::address::Address;

/// Flags of a place to listen at.
#[derive(clap::Args, Debug)]
pub(crate) struct PlaceArguments {
    /// The host or address to listen on: a name, an IP or a URI. Beyond loopback a token or TLS is needed.
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// The network interface to listen on, such as eth0.
    #[arg(long, value_name = "NAME", conflicts_with = "host")]
    interface: Option<String>,
    /// tcp, tls or unix; tls where there are certificates.
    #[arg(long)]
    protocol: Option<String>,
}

impl PlaceArguments {
    /// Where to listen: on `otherwise` if no flag says where.
    pub(super) fn address(
        &self,
        port: u16,
        has_tls: bool,
        config: &Config,
        otherwise: IpAddr,
    ) -> Result<Address> {
        if let Some(host) = self.host.as_deref().filter(|host| host.contains("://")) {
            return uri(host, port);
        }
        let preset = match config.get("distributed.comm.default-scheme") {
            Some(Value::Str(scheme)) if !has_tls => scheme.to_string(),
            _ => if has_tls { "tls" } else { "tcp" }.to_owned(),
        };
        let protocol = self.protocol.clone().unwrap_or(preset);
        let host = match (&self.host, &self.interface) {
            (Some(host), _) => host.clone(),
            (None, Some(interface)) => network::of_interface(interface)?.to_string(),
            (None, None) => otherwise.to_string(),
        };
        match protocol.trim_end_matches("://") {
            "unix" if self.host.is_some() => Ok(Address::Unix(host.into())),
            "unix" => bail!("--protocol unix needs a path: --host /run/user/1000/oxidask.sock"),
            "tls" => Ok(Address::Net { tls: true, host, port }),
            "tcp" => Ok(Address::Net { tls: false, host, port }),
            other => bail!("there is no protocol {other:?}; there are tcp, tls and unix"),
        }
    }
}

/// An address that may lack its port.
fn uri(text: &str, port: u16) -> Result<Address> {
    let whole = text.parse::<Address>();
    match whole {
        Err(_) if !text.starts_with("unix") => Ok(format!("{text}:{port}").parse()?),
        whole => Ok(whole?),
    }
}

/// The address of a scheduler as users write it; the port is 8786 where it is missing.
pub(super) fn scheduler(text: &str) -> Result<Address> {
    match text.parse::<Address>() {
        Err(error) if error.reason == "the port is missing" => {
            Ok(format!("{text}:{}", super::scheduler::PORT).parse()?)
        }
        parsed => Ok(parsed?),
    }
}

/// The address of this machine on the way to a scheduler: what workers listen on by default.
pub(super) fn on_the_way_to(scheduler: &Address) -> Result<IpAddr> {
    match scheduler {
        Address::Net { host, .. } => network::towards(host)
            .with_context(|| format!("there is no way to the scheduler at {scheduler}")),
        Address::Unix(_) | Address::Inproc(_) => Ok(std::net::Ipv4Addr::LOCALHOST.into()),
    }
}
