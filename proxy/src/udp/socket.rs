//! One UDP listener of one shard.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::mmsg::{self, Arrivals, Departures};

/// Messages that wait while the kernel takes no more.
const QUEUE: usize = 4096;

/// Errors of earlier datagrams that are taken before others get their turn.
const ERRORS_IN_A_ROW: usize = 64;

/// What the kernel is asked to hold for a socket, each way. It gives what its limits allow.
const KERNEL_BUFFER: usize = 8 << 20;

/// Counters of one socket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct UdpCounters {
    pub(crate) received: u64,
    pub(crate) receive_calls: u64,
    pub(crate) receive_errors: u64,
    pub(crate) sent: u64,
    pub(crate) send_calls: u64,
    pub(crate) send_errors: u64,
    pub(crate) send_refused: u64,
    pub(crate) send_blocked: u64,
}

impl UdpCounters {
    pub(crate) fn plus(self, more: Self) -> Self {
        Self {
            received: self.received + more.received,
            receive_calls: self.receive_calls + more.receive_calls,
            receive_errors: self.receive_errors + more.receive_errors,
            sent: self.sent + more.sent,
            send_calls: self.send_calls + more.send_calls,
            send_errors: self.send_errors + more.send_errors,
            send_refused: self.send_refused + more.send_refused,
            send_blocked: self.send_blocked + more.send_blocked,
        }
    }
}

/// A message that could not be sent.
pub(crate) type Failed = (SocketAddr, Bytes);

/// Binds `address`. `shared`: the sockets of several shards divide what arrives.
pub(crate) fn bind(address: SocketAddr, shared: bool) -> io::Result<std::net::UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    let _ = socket.set_recv_buffer_size(KERNEL_BUFFER);
    let _ = socket.set_send_buffer_size(KERNEL_BUFFER);
    mmsg::keep_errors(socket.as_fd(), address.is_ipv6())?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Sends and receives without blocking.
pub(crate) struct UdpListener {
    socket: Arc<AsyncFd<std::net::UdpSocket>>,
    queue: VecDeque<(SocketAddr, Bytes)>,
    departures: Departures,
    /// There while the kernel takes no more. A second registration, since a first one for
    /// writability would wake the shard for every datagram sent.
    blocked: Option<AsyncFd<OwnedFd>>,
    pub(crate) counters: UdpCounters,
}

impl UdpListener {
    /// Takes over a bound socket. Must be called in the runtime that will poll it.
    pub(crate) fn new(socket: std::net::UdpSocket) -> io::Result<Self> {
        let interest = Interest::READABLE | Interest::ERROR;
        Ok(Self {
            socket: Arc::new(mmsg::register(socket, interest)?),
            queue: VecDeque::new(),
            departures: Departures::new(),
            blocked: None,
            counters: UdpCounters::default(),
        })
    }

    /// The socket, for [`watch`](super::watch).
    pub(crate) fn socket(&self) -> Arc<AsyncFd<std::net::UdpSocket>> {
        Arc::clone(&self.socket)
    }

    /// Fills `arrivals` with what waits.
    pub(crate) fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        arrivals: &mut Arrivals,
    ) -> Poll<io::Result<()>> {
        for _ in 0..ERRORS_IN_A_ROW {
            let mut ready = ready!(self.socket.poll_read_ready(cx))?;
            self.counters.receive_calls += 1;
            match arrivals.receive(self.socket.get_ref().as_fd()) {
                Ok(more) => {
                    if !more {
                        ready.clear_ready();
                    }
                    self.counters.received += arrivals.len() as u64;
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
                // What the network said about an earlier datagram; its text is in the error queue.
                Err(_) => self.counters.receive_errors += 1,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Queues a message. It is given back when too many wait.
    pub(crate) fn push(&mut self, to: SocketAddr, bytes: Bytes) -> Result<(), Failed> {
        if self.queue.len() >= QUEUE {
            self.counters.send_refused += 1;
            return Err((to, bytes));
        }
        self.queue.push_back((to, bytes));
        Ok(())
    }

    /// Sends what is queued, as far as the kernel takes it. What it refuses goes to `failed`.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>, failed: &mut Vec<Failed>) {
        if self.still_blocked(cx) {
            return;
        }
        let mut retried = false;
        while !self.queue.is_empty() {
            self.counters.send_calls += 1;
            match self
                .departures
                .send(self.socket.get_ref().as_fd(), self.queue.iter())
            {
                Ok(count) => {
                    self.queue.drain(..count.min(self.queue.len()));
                    self.counters.sent += count as u64;
                    retried = false;
                }
                Err(error) if would_block(&error) => {
                    self.counters.send_blocked += 1;
                    self.block(failed);
                    if self.still_blocked(cx) {
                        return;
                    }
                }
                // The first error may be about an earlier datagram: the kernel gives it to whoever
                // calls next. The second is about this one.
                Err(_) if !retried => retried = true,
                Err(_) => {
                    retried = false;
                    self.counters.send_errors += 1;
                    failed.extend(self.queue.pop_front());
                }
            }
        }
    }

    fn still_blocked(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(writable) = &self.blocked else {
            return false;
        };
        if writable.poll_write_ready(cx).is_pending() {
            return true;
        }
        self.blocked = None;
        false
    }

    /// Waits for room; where that can't be had, what is queued is lost.
    fn block(&mut self, failed: &mut Vec<Failed>) {
        let copy = self.socket.get_ref().as_fd().try_clone_to_owned();
        match copy.and_then(|copy| mmsg::register(copy, Interest::WRITABLE)) {
            Ok(writable) => self.blocked = Some(writable),
            Err(_) => failed.extend(self.queue.drain(..)),
        }
    }
}

fn would_block(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::super::watch;
    use super::*;

    async fn receive(listener: &mut UdpListener, arrivals: &mut Arrivals) -> Vec<Vec<u8>> {
        poll_fn(|cx| listener.poll_receive(cx, arrivals))
            .await
            .unwrap();
        (0..arrivals.len())
            .map(|i| arrivals.datagram(i).unwrap().1.to_vec())
            .collect()
    }

    async fn flush(listener: &mut UdpListener) -> Vec<Failed> {
        let mut failed = Vec::new();
        poll_fn(|cx| {
            listener.poll_flush(cx, &mut failed);
            if listener.queue.is_empty() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
        failed
    }

    fn listener() -> (UdpListener, SocketAddr) {
        let socket = bind("127.0.0.1:0".parse().unwrap(), false).unwrap();
        let address = socket.local_addr().unwrap();
        (UdpListener::new(socket).unwrap(), address)
    }

    #[tokio::test]
    async fn what_is_queued_arrives_in_order() {
        let ((mut a, _), (mut b, to)) = (listener(), listener());
        for i in 0..200_u8 {
            a.push(to, Bytes::copy_from_slice(&[i])).unwrap();
        }
        assert_eq!(flush(&mut a).await, []);
        let mut arrivals = Arrivals::new(32);
        let mut seen = Vec::new();
        while seen.len() < 200 {
            seen.extend(receive(&mut b, &mut arrivals).await.into_iter().flatten());
        }
        assert_eq!(seen, (0..200).collect::<Vec<_>>());
        assert_eq!((a.counters.sent, b.counters.received), (200, 200));
    }

    #[tokio::test]
    async fn a_full_queue_gives_the_message_back() {
        let (mut a, to) = listener();
        for _ in 0..QUEUE {
            a.push(to, Bytes::from_static(b"x")).unwrap();
        }
        assert_eq!(
            a.push(to, Bytes::from_static(b"y")),
            Err((to, Bytes::from_static(b"y")))
        );
        assert_eq!(a.counters.send_refused, 1);
    }

    #[tokio::test]
    async fn what_the_kernel_refuses_is_given_back_and_the_rest_goes_on() {
        let ((mut a, _), (mut b, to)) = (listener(), listener());
        let too_long = Bytes::from(vec![0; 65_535]);
        a.push(to, too_long.clone()).unwrap();
        a.push(to, Bytes::from_static(b"after")).unwrap();
        assert_eq!(flush(&mut a).await, [(to, too_long)]);
        assert_eq!(receive(&mut b, &mut Arrivals::new(4)).await, [b"after"]);
    }

    #[tokio::test]
    async fn a_closed_port_is_reported_and_harms_no_other_message() {
        let ((mut a, _), (mut b, alive)) = (listener(), listener());
        let closed = listener().1;
        let (tx, mut rx) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(watch(a.socket(), move |lost| tx.send(lost).unwrap()));
        for text in ["one", "two", "three"] {
            a.push(closed, Bytes::from_static(b"INVITE sip:x SIP/2.0"))
                .unwrap();
            a.push(alive, Bytes::copy_from_slice(text.as_bytes()))
                .unwrap();
            assert_eq!(flush(&mut a).await, []);
            assert_eq!(
                receive(&mut b, &mut Arrivals::new(4)).await,
                [text.as_bytes()]
            );
            assert_eq!(rx.recv().await.unwrap(), "INVITE sip:x SIP/2.0");
        }
    }
}
