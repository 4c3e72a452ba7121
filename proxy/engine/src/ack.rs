//! Both kinds of ACK: the one for a failure response ends here (RFC 3261 section 17.2.1), the one for
//! a 2xx is passed on (section 16, RFC 6026 section 7.1). An ACK is never answered.

use tidegate_sip::Via;

use crate::context::Server;
use crate::engine::Engine;
use crate::output::Output;
use crate::request::Arrival;
use crate::time::Time;

impl Engine {
    pub(crate) fn on_ack(
        &mut self,
        now: Time,
        arrival: &Arrival<'_>,
        via: &Via<'_>,
        out: &mut impl Output,
    ) {
        let key = self.core.key_of(arrival.view, via);
        if let Some(slot) = self.find(key)
            && !self.answered_2xx(slot)
        {
            self.core.stats.acks_absorbed += 1;
            self.step(now, slot, out, |step| {
                let reliable = step.cx.source.transport.is_reliable();
                let timing = step.core.timing;
                if let Server::Invite(machine) = &mut step.cx.server {
                    let effects = machine.on_ack(reliable, &timing);
                    step.apply_server(&effects);
                    if step.cx.is_done() {
                        step.cx.last_response = None;
                    }
                }
            });
            return;
        }
        if self.core.acknowledges_us(arrival.view) || !self.forward_statelessly(arrival, out) {
            self.core.stats.acks_absorbed += 1;
        } else {
            self.core.stats.acks_forwarded += 1;
            self.on_call_ack(now, arrival.view, out);
        }
    }

    /// RFC 6026 section 7.1: in Accepted, an ACK is for the callee.
    fn answered_2xx(&self, slot: u32) -> bool {
        self.contexts.get(slot as usize).is_some_and(
            |cx| matches!(&cx.server, Server::Invite(machine) if machine.is_accepted()),
        )
    }
}
