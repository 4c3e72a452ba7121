use std::net::{IpAddr, SocketAddr};

use crate::{Edits, Span, Via, View};

/// What the receiver of a request adds to its top Via (RFC 3261 18.2.1, RFC 3581 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ViaStamp {
    /// The value of `received`, which replaces one that is there already.
    pub received: Option<IpAddr>,
    /// The value of `rport`, written only where the Via has that parameter.
    pub rport: Option<u16>,
}

impl ViaStamp {
    /// What has to be added when a request with this Via came from `source`.
    #[must_use]
    pub fn for_source(via: &Via<'_>, source: SocketAddr) -> Self {
        let asked = via.rport().is_some();
        let address = source.ip().to_canonical();
        let same = via
            .host
            .ip()
            .is_some_and(|host| host.to_canonical() == address);
        Self {
            received: (asked || !same).then_some(address),
            rport: asked.then_some(source.port()),
        }
    }
}

/// Adds the stamp to the top Via of a request. A Via that cannot be read stays as it is.
pub fn stamp_via(view: View<'_>, stamp: ViaStamp, edits: &mut Edits) {
    let Some(via) = view.top_via_lenient() else {
        return;
    };
    for change in changes(&via, stamp).into_iter().flatten() {
        edits.replace_with(change.0, |out| change.1.write(out));
    }
}

/// One parameter that the stamp writes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stamped {
    Received(IpAddr),
    Rport(u16),
}

impl Stamped {
    /// RFC 3261 25.1 `via-received`, RFC 3581 3 `response-port`.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Received(address) => {
                out.extend_from_slice(format!(";received={address}").as_bytes())
            }
            Self::Rport(port) => {
                out.extend_from_slice(b";rport=");
                super::decimal(out, u32::from(port));
            }
        }
    }
}

/// Where in the message what has to be written, in wire order.
pub(super) fn changes(via: &Via<'_>, stamp: ViaStamp) -> [Option<(Span, Stamped)>; 2] {
    let behind = Span::new(via.span.end, via.span.end);
    let place = |name| via.params.get(name).map(|param| param.span);
    let received = stamp.received.map(|address| {
        (
            place("received").unwrap_or(behind),
            Stamped::Received(address),
        )
    });
    let rport = stamp
        .rport
        .and_then(|port| Some((place("rport")?, Stamped::Rport(port))));
    let swap = matches!((&received, &rport), (Some(one), Some(two)) if two.0.start < one.0.start);
    if swap {
        [rport, received]
    } else {
        [received, rport]
    }
}
