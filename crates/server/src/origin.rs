//! Where browsers reach the server: which pages are ours, and which names of hosts.
//!
//! Compared with the public address and never with the header `Host` alone: a proxy writes its own there, and so does a
//! page whose name was pointed at this machine.

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};

use crate::config::Config;

/// The scheme, host and port of an address.
#[derive(Debug, PartialEq, Eq)]
struct Origin<'a> {
    is_https: bool,
    host: &'a str,
    port: u16,
}

impl<'a> Origin<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let is_https = match scheme {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let (host, port) = split_port(rest)?;
        Some(Self { is_https, host, port: port.unwrap_or(if is_https { 443 } else { 80 }) })
    }
}

/// A host, and its port if it says one.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    // An IPv6 address has colons of its own, and stands in brackets.
    match text.rsplit_once(':').filter(|it| !it.1.ends_with(']')) {
        Some((host, port)) => Some((host, Some(port.parse().ok()?))),
        None => Some((text, None)),
    }
}

fn is_loopback(host: &str) -> bool {
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|it| host.eq_ignore_ascii_case(it))
}

/// Whether the browser says that one of our pages sends this. Browsers of today send both headers; what sends neither is
/// no browser, and has no cookie that a foreign page could use.
pub(crate) fn is_ours(headers: &HeaderMap, config: &Config) -> bool {
    let text = |name: &str| headers.get(name).map(|it| it.to_str().unwrap_or_default());
    let same_site = text("sec-fetch-site").is_none_or(|it| it == "same-origin" || it == "none");
    same_site && text(ORIGIN.as_str()).is_none_or(|it| is_public(it, &config.public_url))
}

/// Whether that is the origin of the public address; the names of one machine for itself are one.
fn is_public(origin: &str, public_url: &str) -> bool {
    let (Some(given), Some(ours)) = (Origin::parse(origin), Origin::parse(public_url)) else { return false };
    let same_host = given.host.eq_ignore_ascii_case(ours.host) || is_loopback(given.host) && is_loopback(ours.host);
    same_host && (given.is_https, given.port) == (ours.is_https, ours.port)
}

/// Whether the server was asked for under a name of its own: the public one, or one of this machine for itself.
pub(crate) fn is_our_host(headers: &HeaderMap, config: &Config) -> bool {
    let host = headers.get(HOST).and_then(|it| it.to_str().ok()).and_then(split_port).map(|it| it.0);
    let ours = Origin::parse(&config.public_url).map(|it| it.host);
    host.is_some_and(|it| is_loopback(it) || ours.is_some_and(|ours| ours.eq_ignore_ascii_case(it)))
}

#[test]
fn pages_of_the_public_address_are_ours() {
    let check = |origin: &str, public_url: &str, expected: bool| {
        assert_eq!(is_public(origin, public_url), expected, "{origin} at {public_url}");
    };
    let local = "http://localhost:7070";
    for name in ["http://localhost:7070", "http://127.0.0.1:7070", "http://[::1]:7070", "http://LOCALHOST:7070"] {
        check(name, local, true);
        check(name, "http://[::1]:7070", true);
        check(name, "https://points.example.com", false);
    }
    for foreign in
        ["http://localhost:7071", "https://localhost:7070", "http://localhost", "http://example.org:7070", "null", ""]
    {
        check(foreign, local, false);
    }
    let public = "https://points.example.com";
    check("https://points.example.com", public, true);
    check("https://points.example.com:443", public, true);
    check("http://points.example.com", public, false);
    check("http://points.example.com:443", public, false);
    check("https://points.example.com:8443", public, false);
    check("https://points.example.com.example.org", public, false);
    check("https://example.com", public, false);
    check("ftp://points.example.com", public, false);
    check("https://points.example.com:x", public, false);
    check("http://192.168.1.5", "http://192.168.1.5:80", true);
}

#[test]
fn a_name_that_was_pointed_at_this_machine_is_not_ours() {
    let check = |host: &str, expected: bool| {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().expect("a header"));
        assert_eq!(is_our_host(&headers, &Config::local("http://shop.example.com:7070")), expected, "{host}");
    };
    for ours in ["shop.example.com:7070", "Shop.Example.com", "localhost:1", "127.0.0.1", "[::1]:7070", "[::1]"] {
        check(ours, true);
    }
    for foreign in ["example.org:7070", "localhost.example.org", "127.0.0.1.example.org", "192.168.1.5:7070", ""] {
        check(foreign, false);
    }
    assert!(!is_our_host(&HeaderMap::new(), &Config::local("http://localhost:7070")));
}
