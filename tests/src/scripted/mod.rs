//! A good routing application on TCP, newline-delimited JSON, that waits to be dialled; and the same
//! one with a defect.

mod conversation;
mod defect;
mod kit;

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conversation::Conversation;
pub use defect::Defect;
pub use kit::{Verdict, tidegate};

/// How long an application with [`Defect::AnswersLate`] thinks.
pub(super) const LATE: Duration = Duration::from_millis(700);

/// A running application; it is gone when dropped.
#[derive(Debug)]
pub struct Scripted {
    address: SocketAddr,
    over: Arc<AtomicBool>,
}

/// What connections have in common.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Notifications that were taken.
    pub(super) taken: Mutex<HashSet<String>>,
}

impl Scripted {
    /// Listens on a free port.
    #[must_use]
    pub fn start(defect: Option<Defect>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&over);
        std::thread::spawn(move || serve(&listener, defect, &ends));
        Self { address, over }
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("tcp://{}", self.address)
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // The one that accepts notices that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(listener: &TcpListener, defect: Option<Defect>, over: &AtomicBool) {
    let memory = Arc::new(Memory::default());
    while let Ok((stream, _)) = listener.accept() {
        if over.load(Ordering::Relaxed) {
            return;
        }
        stream.set_nodelay(true).unwrap();
        let memory = Arc::clone(&memory);
        std::thread::spawn(move || Conversation::new(stream, defect, memory).run());
    }
}
