//! The addresses of this machine.

use std::ffi::CStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs, UdpSocket};

use crate::wire::address::Address;

/// The address of an interface such as `eth0`: its first of IPv4, else of IPv6.
///
/// # Errors
/// If there is no such interface, or it has no address; the error names those that there are.
pub fn of_interface(name: &str) -> io::Result<IpAddr> {
    let all = interfaces()?;
    let of_it = || all.iter().filter(|(other, _)| other == name).map(|(_, address)| *address);
    of_it().find(IpAddr::is_ipv4).or_else(|| of_it().next()).ok_or_else(|| {
        let mut names: Vec<&str> = all.iter().map(|(name, _)| &**name).collect();
        names.dedup();
        let text = format!(
            "there is no network interface {name:?} with an address; there are {}",
            names.join(", ")
        );
        io::Error::new(io::ErrorKind::NotFound, text)
    })
}

/// The address under which a host can reach this machine: that of the interface on the way there. Nothing is
/// sent.
///
/// # Errors
/// If the host is not known, or there is no way to it.
pub fn towards(host: &str) -> io::Result<IpAddr> {
    let unknown = || io::Error::new(io::ErrorKind::NotFound, format!("{host} has no address"));
    let target = (host, 9).to_socket_addrs()?.next().ok_or_else(unknown)?;
    let any: IpAddr = match target.is_ipv4() {
        true => Ipv4Addr::UNSPECIFIED.into(),
        false => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(target)?;
    Ok(socket.local_addr()?.ip())
}

/// The address under which others reach what listens at `bound`: the machine's own in place of "anywhere".
#[must_use]
pub fn contact(bound: &Address) -> Address {
    match bound {
        Address::Net { tls, host, port }
            if host.parse().is_ok_and(|ip: IpAddr| ip.is_unspecified()) =>
        {
            // Of the addresses for documentation: nobody is there, and nothing is sent. The system says which way
            // it would be.
            let own = towards("192.0.2.1").map_or("127.0.0.1".into(), |ip| ip.to_string());
            Address::Net { tls: *tls, host: own, port: *port }
        }
        bound => bound.clone(),
    }
}

/// Names and addresses, in the system's order.
#[expect(unsafe_code, reason = "libc calls")]
fn interfaces() -> io::Result<Vec<(String, IpAddr)>> {
    let mut list: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: the place takes one pointer.
    if unsafe { libc::getifaddrs(&raw mut list) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let mut found = Vec::new();
    let mut next = list;
    // SAFETY: the list is valid until it is freed; an address is of the type that its family says.
    while let Some(entry) = unsafe { next.as_ref() } {
        next = entry.ifa_next;
        // SAFETY: as above; a family is at the front of every address.
        let address = unsafe { entry.ifa_addr.as_ref() }.and_then(|address| {
            match i32::from(address.sa_family) {
                libc::AF_INET => {
                    // SAFETY: as above.
                    let inner =
                        unsafe { entry.ifa_addr.cast::<libc::sockaddr_in>().read_unaligned() };
                    Some(IpAddr::from(inner.sin_addr.s_addr.to_ne_bytes()))
                }
                libc::AF_INET6 => {
                    // SAFETY: as above.
                    let inner =
                        unsafe { entry.ifa_addr.cast::<libc::sockaddr_in6>().read_unaligned() };
                    Some(IpAddr::from(inner.sin6_addr.s6_addr))
                }
                _ => None,
            }
        });
        if let Some(address) = address {
            // SAFETY: every entry has a name.
            let name = unsafe { CStr::from_ptr(entry.ifa_name) };
            found.push((name.to_string_lossy().into_owned(), address));
        }
    }
    // SAFETY: it came from getifaddrs, and nothing points into it any more.
    unsafe { libc::freeifaddrs(list) };
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_has_its_address() {
        let name = if cfg!(target_os = "linux") { "lo" } else { "lo0" };
        assert!(of_interface(name).unwrap().is_loopback());
        let error = of_interface("no-such-0").unwrap_err().to_string();
        assert!(error.contains("no-such-0") && error.contains(name), "{error}");
    }

    #[test]
    fn loopback_is_reached_from_loopback() {
        assert!(towards("127.0.0.1").unwrap().is_loopback());
        assert!(towards("no such host").is_err());
        let local: Address = "tcp://127.0.0.1:1".parse().unwrap();
        assert_eq!(contact(&local), local);
        let anywhere = contact(&"tls://0.0.0.0:7".parse().unwrap()).to_string();
        assert!(anywhere.ends_with(":7") && !anywhere.contains("0.0.0.0"), "{anywhere}");
    }
}
