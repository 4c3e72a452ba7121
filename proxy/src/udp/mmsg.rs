//! `recvmmsg`, `sendmmsg` and the error queue behind a safe face. The only unsafe code of the proxy.
#![allow(unsafe_code)]

use std::io;
use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::ptr;

use bytes::Bytes;
use libc::{c_int, c_void, iovec, mmsghdr, msghdr, sockaddr_in, sockaddr_in6, sockaddr_storage};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Room for the longest datagram there is.
pub(crate) const DATAGRAM: usize = 65_536;

/// Messages that one `sendmmsg` takes.
const SEND_BATCH: usize = 64;

/// Room for the control messages of one error.
const CONTROL: usize = 512;

/// Buffers for a batch of datagrams, used again for every batch.
pub(crate) struct Arrivals {
    buffer: Vec<u8>,
    names: Vec<sockaddr_storage>,
    vectors: Vec<iovec>,
    headers: Vec<mmsghdr>,
    received: usize,
    window: usize,
}

impl Arrivals {
    /// Room for `slots` datagrams. Pages are taken from the system as datagrams fill them.
    pub(crate) fn new(slots: usize) -> Self {
        let slots = slots.max(1);
        Self {
            buffer: vec![0; slots * DATAGRAM],
            names: vec![zeroed(); slots],
            vectors: vec![zeroed(); slots],
            headers: vec![zeroed(); slots],
            received: 0,
            window: 1,
        }
    }

    /// Takes the datagrams that wait, without blocking, and says whether the socket may hold more.
    ///
    /// The number asked for follows the load: preparing slots that stay empty costs time.
    pub(crate) fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<bool> {
        self.received = 0;
        self.prepare();
        let flags = libc::MSG_DONTWAIT;
        // SAFETY: the first `window` headers point at names, vectors and buffers that `prepare` has
        // just set up inside vectors owned by `self`, which nothing else touches during the call.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                self.window as _,
                flags as _,
                ptr::null_mut(),
            )
        };
        self.received = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        let full = self.received == self.window;
        let wanted = if full {
            self.window * 2
        } else {
            self.received + 1
        };
        self.window = wanted.clamp(1, self.headers.len());
        Ok(full)
    }

    /// How many datagrams the last batch holds.
    pub(crate) fn len(&self) -> usize {
        self.received
    }

    /// One datagram of the last batch; `None` past its end.
    pub(crate) fn datagram(&self, index: usize) -> Option<(SocketAddr, &[u8])> {
        if index >= self.received {
            return None;
        }
        let length = self.headers.get(index)?.msg_len as usize;
        let start = index * DATAGRAM;
        let bytes = self.buffer.get(start..start + length.min(DATAGRAM))?;
        Some((decode(self.names.get(index)?)?, bytes))
    }

    fn prepare(&mut self) {
        let chunks = self.buffer.chunks_exact_mut(DATAGRAM);
        let slots = self.headers.iter_mut().zip(&mut self.vectors);
        let slots = slots.zip(&mut self.names).zip(chunks);
        for (((header, vector), name), chunk) in slots.take(self.window) {
            *vector = vector_of(chunk.as_mut_ptr(), chunk.len());
            header.msg_hdr.msg_name = ptr::from_mut(name).cast();
            header.msg_hdr.msg_namelen = size_of::<sockaddr_storage>() as _;
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
            header.msg_len = 0;
        }
    }
}

/// Arrays for a batch to send, used again for every batch.
pub(crate) struct Departures {
    names: Vec<Name>,
    vectors: Vec<iovec>,
    headers: Vec<mmsghdr>,
}

impl Departures {
    pub(crate) fn new() -> Self {
        Self {
            names: Vec::with_capacity(SEND_BATCH),
            vectors: Vec::with_capacity(SEND_BATCH),
            headers: Vec::with_capacity(SEND_BATCH),
        }
    }

    /// Sends from the front of `messages` with one system call, without blocking, and says how many
    /// went. An error is about the first message, or one that the socket had kept.
    pub(crate) fn send<'a>(
        &mut self,
        socket: BorrowedFd<'_>,
        messages: impl Iterator<Item = &'a (SocketAddr, Bytes)>,
    ) -> io::Result<usize> {
        self.prepare(messages);
        // SAFETY: the headers point at names and vectors that `prepare` has set up in vectors owned
        // by `self`; the vectors point into `Bytes` that the caller's borrow keeps alive. The kernel
        // only reads the payloads.
        let count = unsafe {
            libc::sendmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                self.headers.len() as _,
                (libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) as _,
            )
        };
        usize::try_from(count).map_err(|_| io::Error::last_os_error())
    }

    fn prepare<'a>(&mut self, messages: impl Iterator<Item = &'a (SocketAddr, Bytes)>) {
        self.names.clear();
        self.vectors.clear();
        self.headers.clear();
        for (to, bytes) in messages.take(SEND_BATCH) {
            self.names.push(Name::of(*to));
            self.vectors
                .push(vector_of(bytes.as_ptr().cast_mut(), bytes.len()));
        }
        for (name, vector) in self.names.iter_mut().zip(&mut self.vectors) {
            let mut header: mmsghdr = zeroed();
            header.msg_hdr.msg_namelen = name.length();
            header.msg_hdr.msg_name = ptr::from_mut(name).cast();
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
            self.headers.push(header);
        }
    }
}

/// What the network said about a datagram sent earlier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreachable {
    /// Where the datagram was going.
    pub(crate) to: SocketAddr,
    /// Who says so.
    pub(crate) origin: Origin,
    /// ICMP type.
    pub(crate) kind: u8,
    /// ICMP code.
    pub(crate) code: u8,
    /// How many bytes of the datagram were given back.
    pub(crate) length: usize,
}

/// Who reported an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This host.
    Local,
    /// ICMP.
    Icmp,
    /// ICMPv6.
    Icmp6,
}

/// Takes one entry off the error queue; the beginning of the datagram concerned goes to `payload`.
/// `Ok(None)`: an entry that says nothing of use. `WouldBlock`: the queue is empty.
pub(crate) fn take_error(
    socket: BorrowedFd<'_>,
    payload: &mut [u8],
) -> io::Result<Option<Unreachable>> {
    let mut name: sockaddr_storage = zeroed();
    let mut control = [0_u64; CONTROL / 8];
    let mut vector = vector_of(payload.as_mut_ptr(), payload.len());
    let mut header: msghdr = zeroed();
    header.msg_name = ptr::from_mut(&mut name).cast();
    header.msg_namelen = size_of::<sockaddr_storage>() as _;
    header.msg_iov = &raw mut vector;
    header.msg_iovlen = 1;
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = CONTROL as _;
    let flags = libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT;
    // SAFETY: the header points at locals and at `payload`, all alive and of the lengths given.
    let count = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, flags) };
    let length = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
    Ok(decode(&name).and_then(|to| report(&header, to, length)))
}

fn report(header: &msghdr, to: SocketAddr, length: usize) -> Option<Unreachable> {
    // SAFETY: `header` was filled in by recvmsg, and its control buffer is alive in the caller.
    let mut message = unsafe { libc::CMSG_FIRSTHDR(header) };
    while !message.is_null() {
        // SAFETY: CMSG_FIRSTHDR and CMSG_NXTHDR return null or a whole header inside the buffer.
        let entry = unsafe { &*message };
        if is_error(entry.cmsg_level, entry.cmsg_type) {
            // SAFETY: the kernel puts a sock_extended_err behind a header of this level and type;
            // it may be unaligned.
            let error: libc::sock_extended_err =
                unsafe { ptr::read_unaligned(libc::CMSG_DATA(message).cast()) };
            let origin = origin(error.ee_origin)?;
            let (kind, code) = (error.ee_type, error.ee_code);
            return Some(Unreachable {
                to,
                origin,
                kind,
                code,
                length,
            });
        }
        // SAFETY: as for CMSG_FIRSTHDR; `message` lies in the header's buffer.
        message = unsafe { libc::CMSG_NXTHDR(header, message) };
    }
    None
}

fn is_error(level: c_int, kind: c_int) -> bool {
    (level, kind) == (libc::SOL_IP, libc::IP_RECVERR)
        || (level, kind) == (libc::SOL_IPV6, libc::IPV6_RECVERR)
}

fn origin(raw: u8) -> Option<Origin> {
    match raw {
        libc::SO_EE_ORIGIN_LOCAL => Some(Origin::Local),
        libc::SO_EE_ORIGIN_ICMP => Some(Origin::Icmp),
        libc::SO_EE_ORIGIN_ICMP6 => Some(Origin::Icmp6),
        _ => None,
    }
}

/// Asks the kernel to keep ICMP errors for [`take_error`].
pub(crate) fn keep_errors(socket: BorrowedFd<'_>, ipv6: bool) -> io::Result<()> {
    let (level, option) = match ipv6 {
        true => (libc::SOL_IPV6, libc::IPV6_RECVERR),
        false => (libc::SOL_IP, libc::IP_RECVERR),
    };
    let on: c_int = 1;
    // SAFETY: the option's value is the local `on`, alive and of the size given.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            ptr::from_ref(&on).cast::<c_void>(),
            size_of::<c_int>() as _,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Registers a socket with the runtime.
pub(crate) fn register<T: Owner>(socket: T, interest: Interest) -> io::Result<AsyncFd<T>> {
    // SAFETY: an `Owner` gives the same open descriptor for as long as it lives, and closes it only
    // when it is dropped.
    unsafe { AsyncFd::register_with_interest(socket, interest) }.map_err(io::Error::from)
}

/// Types that own one descriptor for all of their life.
pub(crate) trait Owner: AsRawFd {}
impl Owner for UdpSocket {}
impl Owner for OwnedFd {}

/// A socket address as the kernel reads it.
#[derive(Clone, Copy)]
#[repr(C)]
union Name {
    v4: sockaddr_in,
    v6: sockaddr_in6,
}

impl Name {
    fn of(addr: SocketAddr) -> Self {
        match addr {
            SocketAddr::V4(v4) => Self { v4: encode_v4(v4) },
            SocketAddr::V6(v6) => Self { v6: encode_v6(v6) },
        }
    }

    fn length(&self) -> libc::socklen_t {
        // SAFETY: both variants begin with the family, and one of them has been written.
        match c_int::from(unsafe { self.v4.sin_family }) {
            libc::AF_INET => size_of::<sockaddr_in>() as _,
            _ => size_of::<sockaddr_in6>() as _,
        }
    }
}

fn encode_v4(addr: SocketAddrV4) -> sockaddr_in {
    let mut raw: sockaddr_in = zeroed();
    raw.sin_family = libc::AF_INET as _;
    raw.sin_port = addr.port().to_be();
    raw.sin_addr.s_addr = u32::from_ne_bytes(addr.ip().octets());
    raw
}

fn encode_v6(addr: SocketAddrV6) -> sockaddr_in6 {
    let mut raw: sockaddr_in6 = zeroed();
    raw.sin6_family = libc::AF_INET6 as _;
    raw.sin6_port = addr.port().to_be();
    raw.sin6_flowinfo = addr.flowinfo();
    raw.sin6_addr.s6_addr = addr.ip().octets();
    raw.sin6_scope_id = addr.scope_id();
    raw
}

fn decode(name: &sockaddr_storage) -> Option<SocketAddr> {
    match c_int::from(name.ss_family) {
        libc::AF_INET => {
            // SAFETY: a sockaddr_storage is large and aligned enough for any address, and the
            // family says that it holds this kind.
            let raw = unsafe { &*ptr::from_ref(name).cast::<sockaddr_in>() };
            let ip = Ipv4Addr::from(raw.sin_addr.s_addr.to_ne_bytes());
            Some(SocketAddrV4::new(ip, u16::from_be(raw.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let raw = unsafe { &*ptr::from_ref(name).cast::<sockaddr_in6>() };
            let ip = Ipv6Addr::from(raw.sin6_addr.s6_addr);
            let port = u16::from_be(raw.sin6_port);
            Some(SocketAddrV6::new(ip, port, raw.sin6_flowinfo, raw.sin6_scope_id).into())
        }
        _ => None,
    }
}

fn vector_of(start: *mut u8, length: usize) -> iovec {
    iovec {
        iov_base: start.cast(),
        iov_len: length,
    }
}

/// Types of libc for which all bits zero is a value.
trait Plain: Sized {}
impl Plain for sockaddr_storage {}
impl Plain for sockaddr_in {}
impl Plain for sockaddr_in6 {}
impl Plain for iovec {}
impl Plain for msghdr {}
impl Plain for mmsghdr {}

fn zeroed<T: Plain>() -> T {
    // SAFETY: `Plain` is implemented only for C structures of integers and raw pointers.
    unsafe { mem::zeroed() }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    fn socket(host: &str) -> UdpSocket {
        let socket = UdpSocket::bind((host, 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket
    }

    fn message(to: SocketAddr, text: &str) -> (SocketAddr, Bytes) {
        (to, Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn a_batch_arrives_in_order_with_its_source_over_both_families() {
        for host in ["127.0.0.1", "::1"] {
            let (from, to) = (socket(host), socket(host));
            let target = to.local_addr().unwrap();
            let batch: Vec<_> = (0..70).map(|i| message(target, &format!("m{i}"))).collect();
            let mut departures = Departures::new();
            let first = departures.send(from.as_fd(), batch.iter()).unwrap();
            assert_eq!(first, SEND_BATCH);
            assert_eq!(
                departures
                    .send(from.as_fd(), batch[first..].iter())
                    .unwrap(),
                6
            );

            let mut arrivals = Arrivals::new(32);
            let mut seen = Vec::new();
            while seen.len() < 70 {
                arrivals.receive(to.as_fd()).unwrap();
                for i in 0..arrivals.len() {
                    let (source, bytes) = arrivals.datagram(i).unwrap();
                    assert_eq!(source, from.local_addr().unwrap());
                    seen.push(String::from_utf8(bytes.to_vec()).unwrap());
                }
            }
            let sent: Vec<_> = (0..70).map(|i| format!("m{i}")).collect();
            assert_eq!(seen, sent);
        }
    }

    #[test]
    fn an_empty_socket_would_block_and_leaves_no_old_datagram_behind() {
        let (from, to) = (socket("127.0.0.1"), socket("127.0.0.1"));
        let mut arrivals = Arrivals::new(2);
        from.send_to(b"x", to.local_addr().unwrap()).unwrap();
        arrivals.receive(to.as_fd()).unwrap();
        assert_eq!(arrivals.len(), 1);
        let error = arrivals.receive(to.as_fd()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert_eq!(arrivals.datagram(0), None);
    }

    #[test]
    fn the_longest_datagram_arrives_whole() {
        let (from, to) = (socket("127.0.0.1"), socket("127.0.0.1"));
        let long = vec![7; 65_507];
        from.send_to(&long, to.local_addr().unwrap()).unwrap();
        let mut arrivals = Arrivals::new(1);
        arrivals.receive(to.as_fd()).unwrap();
        assert_eq!(arrivals.datagram(0).unwrap().1, long);
    }

    #[test]
    fn a_closed_port_comes_back_with_the_destination_and_the_payload() {
        for (host, origin, code) in [
            ("127.0.0.1", Origin::Icmp, (3, 3)),
            ("::1", Origin::Icmp6, (1, 4)),
        ] {
            let from = socket(host);
            keep_errors(from.as_fd(), from.local_addr().unwrap().is_ipv6()).unwrap();
            let closed = socket(host).local_addr().unwrap();
            let batch = [message(closed, "INVITE sip:nobody@example.com SIP/2.0\r\n")];
            assert_eq!(
                Departures::new().send(from.as_fd(), batch.iter()).unwrap(),
                1
            );

            let mut payload = [0; 2048];
            let report = take_error(from.as_fd(), &mut payload).unwrap().unwrap();
            assert_eq!((report.to, report.origin), (closed, origin));
            assert_eq!((report.kind, report.code), code);
            assert_eq!(&payload[..report.length], batch[0].1);
            let empty = take_error(from.as_fd(), &mut payload).unwrap_err();
            assert_eq!(empty.kind(), io::ErrorKind::WouldBlock);
        }
    }
}
