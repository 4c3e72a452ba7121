use std::io::Write;
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
    /// What has to be added when a request with this Via came from `source`. A `received` that the
    /// sender wrote itself does not stay: responses would go where it says.
    #[must_use]
    pub fn for_source(via: &Via<'_>, source: SocketAddr) -> Self {
        let asked = via.rport().is_some();
        let claimed = via.params.get("received").is_some();
        let address = source.ip().to_canonical();
        let host = via.host.ip().map(|host| host.to_canonical());
        let differs = host != Some(address);
        Self {
            received: (asked || claimed || differs).then_some(address),
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
                // Writing to a Vec cannot fail.
                let _ = write!(out, ";received={address}");
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::altered;

    const SOURCE: &str = "203.0.113.9:40001";

    /// The top Via with these parameters, stamped for a request from `source`.
    fn stamped(sent_by: &str, params: &str, source: &str) -> String {
        let part = "198.51.100.7:5062;branch=z9hG4bKq1;rport";
        let message = altered(part, &format!("{sent_by}{params}"));
        let view = message.view();
        let via = view.top_via_lenient().unwrap();
        let stamp = ViaStamp::for_source(&via, source.parse().unwrap());
        let (mut edits, mut out) = (Edits::new(), Vec::new());
        stamp_via(view, stamp, &mut edits);
        edits.apply(view.bytes(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let line = text.lines().nth(1).unwrap();
        line.strip_prefix("Via: SIP/2.0/UDP ").unwrap().to_owned()
    }

    /// RFC 3261 18.2.1.
    #[test]
    fn received_is_added_where_sent_by_is_another_address() {
        assert_eq!(stamped("203.0.113.9", ";a", SOURCE), "203.0.113.9;a");
        let claimed = stamped("203.0.113.9", ";received=192.0.2.1", SOURCE);
        assert_eq!(claimed, "203.0.113.9;received=203.0.113.9");
        assert_eq!(
            stamped("10.0.0.1", ";a", SOURCE),
            "10.0.0.1;a;received=203.0.113.9"
        );
        assert_eq!(
            stamped("bay.example", "", SOURCE),
            "bay.example;received=203.0.113.9"
        );
    }

    /// RFC 3581 4: where `rport` asks, `received` goes in whatever sent-by says.
    #[test]
    fn rport_is_filled_in_where_it_asks() {
        let expected = "203.0.113.9;rport=40001;a;received=203.0.113.9";
        assert_eq!(stamped("203.0.113.9", ";rport;a", SOURCE), expected);
    }

    #[test]
    fn values_that_are_there_are_replaced_in_any_order() {
        let expected = "bay.example;received=203.0.113.9;rport=40001";
        assert_eq!(
            stamped("bay.example", ";received=1.2.3.4;rport=5", SOURCE),
            expected
        );
        let expected = "bay.example;rport=40001;b;received=203.0.113.9";
        assert_eq!(
            stamped("bay.example", ";rport;b;received=1.2.3.4", SOURCE),
            expected
        );
    }

    /// RFC 3261 25.1 `via-received`, RFC 5118 4.5: no brackets in what is written.
    #[test]
    fn an_ipv6_source_is_written_without_brackets() {
        assert_eq!(
            stamped("[fd00::1]", "", "[fd00::2]:5060"),
            "[fd00::1];received=fd00::2"
        );
        assert_eq!(stamped("[fd00::2]", "", "[fd00:0::2]:5060"), "[fd00::2]");
        assert_eq!(
            stamped("203.0.113.9", "", "[::ffff:203.0.113.9]:5060"),
            "203.0.113.9"
        );
    }

    #[test]
    fn a_damaged_via_is_stamped_before_its_damage() {
        assert_eq!(
            stamped("10.0.0.1", ";a;;,", SOURCE),
            "10.0.0.1;a;received=203.0.113.9;;,"
        );
    }
}
