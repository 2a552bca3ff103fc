//! Hosts in addresses.

use std::net::IpAddr;

use ureq::http::Uri;

/// Whether a host, which may be in brackets, is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// An address without the name and the password in it, and without a slash at its end.
pub(crate) fn without_login(uri: &Uri) -> String {
    let url = uri.to_string();
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    url.trim_end_matches('/').replacen(authority, host, 1)
}
