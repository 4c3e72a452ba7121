//! Ports that nobody else takes: not another test of this process, not one of another process.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Mutex;

/// Below the ports that the kernel hands out by itself.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

static LEASES: Mutex<Vec<(u16, File)>> = Mutex::new(Vec::new());

/// A port that is free for UDP and TCP on loopback, and this process's own until it ends.
#[must_use]
pub fn free_port() -> u16 {
    let mut leases = LEASES.lock().unwrap();
    let first = RANGE.start + (std::process::id() * 61 % u32::from(RANGE.end - RANGE.start)) as u16;
    let (port, lease) = (first..RANGE.end)
        .chain(RANGE.start..first)
        .filter(|port| leases.iter().all(|(taken, _)| taken != port))
        .find_map(|port| Some((port, lease(port)?)))
        .expect("a free port");
    leases.push((port, lease));
    port
}

fn lease(port: u16) -> Option<File> {
    let folder = std::env::temp_dir().join("tidegate-test-ports");
    std::fs::create_dir_all(&folder).unwrap();
    let file = File::create(folder.join(port.to_string())).ok()?;
    file.try_lock().ok()?;
    is_free(port).then_some(file)
}

fn is_free(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    UdpSocket::bind(address).is_ok() && TcpListener::bind(address).is_ok()
}
