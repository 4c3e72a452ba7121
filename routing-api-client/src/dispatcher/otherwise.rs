//! What decides when no application does.

use std::sync::Arc;

use super::Dispatcher;
use super::ask::{Asking, Decided, Outcome};
use super::settle::By;
use crate::pending::Consultation;
use crate::policy;

impl Dispatcher {
    /// The next tier that has a decision; nothing decides when there is none.
    pub(super) fn otherwise(
        &mut self,
        asking: Asking<'_>,
        c: &mut Consultation,
    ) -> Option<Outcome> {
        let early = asking.now < c.step_end;
        self.withdraw(asking.id, c, None, early);
        loop {
            let tiers = c.step().map_or(&[][..], |step| &step.otherwise);
            let Some(tier) = tiers.get(c.tier).cloned() else {
                return Some(Outcome::Nothing);
            };
            c.tier += 1;
            match tier {
                policy::Otherwise::Cached => {
                    if let Some(document) = self.find_decision(asking, c, true) {
                        self.stats.otherwise_cached += 1;
                        return self.use_decision(asking, c, document, By::Stale);
                    }
                }
                policy::Otherwise::Document(tier, document) => {
                    self.stats.otherwise_document += 1;
                    return Some(decided(tier, document));
                }
                policy::Otherwise::Pass if !c.is_last_step() => {
                    self.stats.otherwise_pass += 1;
                    self.note_skipped(asking.id, asking.now, c);
                    c.pass(None);
                    return None;
                }
                policy::Otherwise::Pass => {}
            }
        }
    }
}

fn decided(tier: Arc<str>, document: Arc<tidegate_schemas::RouteDocument>) -> Outcome {
    Outcome::Decided(Decided {
        tier,
        document,
        by: By::Document,
    })
}
