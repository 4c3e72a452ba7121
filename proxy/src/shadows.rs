//! The thread that asks the applications that only look on.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use routing_api_client::{Registry, ask_shadows};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

/// It works beside the shards, so that they do no more than hand questions over.
#[derive(Debug)]
pub(crate) struct Thread {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Thread {
    pub(crate) fn start(applications: Arc<Registry>) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let builder = thread::Builder::new().name("shadows".to_owned());
        Ok(Self {
            stop,
            thread: builder.spawn(move || work(&runtime, applications, stopped))?,
        })
    }

    /// What is in flight is of no use any more.
    pub(crate) fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}

fn work(runtime: &Runtime, applications: Arc<Registry>, stopped: oneshot::Receiver<()>) {
    runtime.block_on(async {
        tokio::select! {
            () = ask_shadows(applications) => {}
            _ = stopped => {}
        }
    });
}
