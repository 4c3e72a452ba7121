//! What happened, for people. It outlives a panic.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use tidegate_engine::Hop;

use crate::draft::{branch_of, read, text};
use crate::event::Event;
use crate::recorder::Command;

/// Lines that are kept.
const LINES: usize = 100_000;

#[derive(Debug, Clone, Default)]
pub(crate) struct Trace(Option<Rc<RefCell<Vec<String>>>>);

impl Trace {
    pub(crate) fn new(wanted: bool) -> Self {
        Self(wanted.then(Rc::default))
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0
            .as_ref()
            .map(|lines| lines.borrow().clone())
            .unwrap_or_default()
    }

    pub(crate) fn event(&self, now: u64, event: &Event) {
        self.line(|| match event {
            Event::Arrives { source, bytes } => {
                format!("{now:>8} {} > proxy: {}", source.addr, summary(bytes))
            }
            Event::Reaches { hop, bytes, .. } => {
                format!("{now:>8} at {}: {}", hop.addr, summary(bytes))
            }
            Event::Undelivered { payload } => {
                format!("{now:>8} undelivered: {}", summary(payload))
            }
            other => format!("{now:>8} {other:?}"),
        });
    }

    pub(crate) fn timers(&self, now: u64) {
        self.line(|| format!("{now:>8} timers"));
    }

    pub(crate) fn command(&self, command: &Command) {
        self.line(|| match command {
            Command::Send { hop, bytes } => {
                format!("            proxy > {}: {}", place(hop), summary(bytes))
            }
            Command::Finished { call, status, .. } => {
                format!("            finished {call} {status:?}")
            }
            other => format!("            {other:?}"),
        });
    }

    pub(crate) fn note(&self, note: impl FnOnce() -> String) {
        self.line(|| format!("            ({})", note()));
    }

    fn line(&self, line: impl FnOnce() -> String) {
        if let Some(lines) = &self.0
            && lines.borrow().len() < LINES
        {
            let line = line();
            lines.borrow_mut().push(line);
        }
    }
}

fn place(hop: &Hop) -> String {
    format!("{} {}", hop.transport.name(), hop.addr)
}

/// The start line and what tells transactions apart.
pub(crate) fn summary(bytes: &Bytes) -> String {
    let start = bytes
        .split(|byte| *byte == b'\r')
        .next()
        .unwrap_or_default();
    let Some(message) = read(bytes) else {
        return format!("{:?} (unreadable)", text(start));
    };
    let view = message.view();
    let cseq = view
        .cseq()
        .map_or_else(|_| "?".to_owned(), |cseq| text(cseq.method));
    let branch = branch_of(view).map(text).unwrap_or_default();
    format!("{} [{cseq} {branch}]", text(start))
}
