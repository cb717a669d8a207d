//! The PROXY protocol of HAProxy (proxy-protocol.txt): what a proxy says before TLS about whom it connects for.
//!
//! Read only from configured networks, in the configured version, byte for byte no further than the header goes. A header of
//! another version, cut short or too long ends the connection.

use super::proxy::ProxyProtocol;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest line of version 1, with its line end.
const MAX_LINE: usize = 107;
/// Version 2 begins so.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Addresses and extensions of version 2; proxies send tens of bytes.
const MAX_REST: usize = 1_024;

/// The header is not one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NoHeader;

/// Reads the header: for whom the proxy connects, `None` for itself (its health checks).
pub(super) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    version: ProxyProtocol,
) -> Result<Option<IpAddr>, NoHeader> {
    match version {
        ProxyProtocol::V1 => read_line(stream).await,
        ProxyProtocol::V2 => read_binary(stream).await,
    }
}

async fn read_line(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<IpAddr>, NoHeader> {
    let mut line = Vec::with_capacity(MAX_LINE);
    while !line.ends_with(b"\r\n") {
        // One byte at a time: what follows the line belongs to TLS.
        let byte = stream.read_u8().await.map_err(|_| NoHeader)?;
        if line.len() == MAX_LINE {
            return Err(NoHeader);
        }
        line.push(byte);
    }
    let line = std::str::from_utf8(&line).ok().and_then(|l| l.strip_suffix("\r\n")).ok_or(NoHeader)?;
    let words: Vec<&str> = line.split(' ').collect();
    let port = |text: &str| text.parse::<u16>().is_ok_and(|n| n.to_string() == text);
    match words.as_slice() {
        ["PROXY", "UNKNOWN", ..] => Ok(None),
        ["PROXY", family, source, target, from, to] if port(from) && port(to) => {
            let read = |text: &str| text.parse::<IpAddr>().ok();
            let (source, target) = (read(source).ok_or(NoHeader)?, read(target).ok_or(NoHeader)?);
            let fits = match *family {
                "TCP4" => source.is_ipv4() && target.is_ipv4(),
                "TCP6" => source.is_ipv6() && target.is_ipv6(),
                _ => false,
            };
            if fits { Ok(Some(source.to_canonical())) } else { Err(NoHeader) }
        }
        _ => Err(NoHeader),
    }
}

async fn read_binary(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<IpAddr>, NoHeader> {
    let mut head = [0; 16];
    stream.read_exact(&mut head).await.map_err(|_| NoHeader)?;
    let (signature, rest) = head.split_first_chunk::<12>().ok_or(NoHeader)?;
    let [command, family, high, low] = *rest else { return Err(NoHeader) };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if *signature != SIGNATURE || length > MAX_REST {
        return Err(NoHeader);
    }
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).await.map_err(|_| NoHeader)?;
    match (command, family) {
        // LOCAL: whatever the rest says is to be ignored.
        (0x20, _) => Ok(None),
        // Over TCP, IPv4 or IPv6: source, target, ports.
        (0x21, 0x11) if length >= 12 => {
            let source = rest.first_chunk::<4>().ok_or(NoHeader)?;
            Ok(Some(IpAddr::V4(Ipv4Addr::from(*source))))
        }
        (0x21, 0x21) if length >= 36 => {
            let source = rest.first_chunk::<16>().ok_or(NoHeader)?;
            Ok(Some(IpAddr::V6(Ipv6Addr::from(*source)).to_canonical()))
        }
        _ => Err(NoHeader),
    }
}
