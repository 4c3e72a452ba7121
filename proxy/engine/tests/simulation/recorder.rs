//! Keeps what the engine asks for, in order.

use bytes::Bytes;
use tidegate_engine::{CallEvent, Finished, Forget, Hop, Output, ResolveId, Time};
use tidegate_schemas::ConsultationId;
use tidegate_schemas::call::{CallEventKind, EndCause};

/// What was told about a call.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    pub(crate) kind: CallEventKind,
    pub(crate) call: ConsultationId,
    pub(crate) seq: u32,
    pub(crate) at: u64,
    pub(crate) call_id: Vec<u8>,
    pub(crate) code: u16,
    pub(crate) cause: Option<EndCause>,
}

#[derive(Debug)]
pub(crate) enum Command {
    Send {
        hop: Hop,
        bytes: Bytes,
    },
    Consult {
        id: ConsultationId,
        deadline: Time,
    },
    Forget {
        id: ConsultationId,
        why: Forget,
    },
    Resolve {
        id: ResolveId,
        host: String,
    },
    Call(Notice),
    Finished {
        call: ConsultationId,
        request: Vec<u8>,
        status: Option<u16>,
    },
}

#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) commands: Vec<Command>,
}

impl Output for Recorder {
    fn send(&mut self, hop: &Hop, bytes: Bytes) {
        self.commands.push(Command::Send { hop: *hop, bytes });
    }

    fn consult(&mut self, id: ConsultationId, deadline: Time) {
        self.commands.push(Command::Consult { id, deadline });
    }

    fn forget(&mut self, id: ConsultationId, why: Forget) {
        self.commands.push(Command::Forget { id, why });
    }

    fn resolve(&mut self, id: ResolveId, host: &str) {
        let host = host.to_owned();
        self.commands.push(Command::Resolve { id, host });
    }

    fn call(&mut self, event: &CallEvent<'_>) {
        self.commands.push(Command::Call(Notice {
            kind: event.kind,
            call: event.call,
            seq: event.seq,
            at: event.at.0,
            call_id: event.call_id.to_vec(),
            code: event.code,
            cause: event.cause,
        }));
    }

    fn finished(&mut self, record: &Finished<'_>) {
        self.commands.push(Command::Finished {
            call: record.call,
            request: record.request.to_vec(),
            status: record.status,
        });
    }
}
