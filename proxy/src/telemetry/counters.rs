//! Counters of all shards together.

use std::fmt;

use routing_api_client as client;

use crate::shard::Report;
use crate::start::Shared;

/// Everything that was counted since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    groups: Vec<Group>,
}

/// The counters of one part of the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// `engine`, `routing`, `channels`, `notifications`, `recording`, `udp`, `streams`, `resolver`,
    /// `shadow` or `shards`.
    pub name: &'static str,
    /// Name and value, in a fixed order.
    pub counters: Vec<(&'static str, u64)>,
}

impl Stats {
    /// The groups, in a fixed order.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// One counter; 0 where there is none of that name.
    #[must_use]
    pub fn get(&self, group: &str, counter: &str) -> u64 {
        let group = self.groups.iter().find(|known| known.name == group);
        let counters = group.map_or(&[][..], |group| &group.counters);
        counters
            .iter()
            .find(|(name, _)| *name == counter)
            .map_or(0, |(_, value)| *value)
    }

    /// Writes all that is not 0 to the log, in one line.
    pub(crate) fn log(&self) {
        let [engine, routing, channels, notifications, udp] =
            ["engine", "routing", "channels", "notifications", "udp"].map(|name| self.text(name));
        let [streams, resolver, shards, shadow, recording] =
            ["streams", "resolver", "shards", "shadow", "recording"].map(|name| self.text(name));
        tracing::info!(
            engine,
            routing,
            channels,
            notifications,
            udp,
            streams,
            resolver,
            shards,
            shadow,
            recording,
            "counters"
        );
    }

    fn text(&self, group: &str) -> String {
        let group = self.groups.iter().find(|known| known.name == group);
        group.map(ToString::to_string).unwrap_or_default()
    }

    fn add(&mut self, group: &'static str, counter: &'static str, value: u64) {
        let known = self.groups.iter_mut().find(|known| known.name == group);
        let Some(known) = known else {
            self.groups.push(Group {
                name: group,
                counters: vec![(counter, value)],
            });
            return;
        };
        match known.counters.iter_mut().find(|(name, _)| *name == counter) {
            Some((_, sum)) => *sum += value,
            None => known.counters.push((counter, value)),
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = self.counters.iter().filter(|(_, value)| *value > 0);
        for (i, (name, value)) in counted.enumerate() {
            let space = if i > 0 { " " } else { "" };
            write!(f, "{space}{name}={value}")?;
        }
        Ok(())
    }
}

/// Sums up the shards and adds what they share.
pub(crate) fn collect(reports: &[Report], shared: &Shared) -> Stats {
    let Shared {
        switchboard,
        streams,
        applications,
        recorder,
        ..
    } = shared;
    let mut stats = Stats::default();
    for report in reports {
        report
            .engine
            .each(|name, value| stats.add("engine", name, value));
        add_routing(&mut stats, &report.routing);
        add_shard(&mut stats, report);
    }
    add_channels(&mut stats, &applications.stats());
    add_notifications(&mut stats, &applications.notifications().stats());
    add_shadows(&mut stats, &applications.shadow_totals());
    if let Some(recorder) = recorder {
        add_recording(&mut stats, &recorder.stats());
    }
    streams
        .counters
        .each(|name, value| stats.add("streams", name, value));
    stats.add("streams", "alive", streams.alive() as u64);
    let (steered, dropped) = switchboard.counters();
    stats.add("shards", "steered", steered);
    stats.add("shards", "dropped", dropped);
    stats
}

/// Adds fields by their names. All of them: a field that is left out does not compile.
macro_rules! add {
    ($stats:expr, $group:literal, $source:expr, $type:path { $($field:ident),* $(,)? }) => {
        let $type { $($field),* } = $source;
        $($stats.add($group, stringify!($field), *$field);)*
    };
}

fn add_routing(stats: &mut Stats, routing: &client::Stats) {
    add!(
        stats,
        "routing",
        routing,
        client::Stats {
            asked,
            reasked,
            answered,
            late_attempt,
            late,
            duplicate,
            unknown,
            wrong_instance,
            invalid,
            error,
            refused,
            http_4xx,
            http_5xx,
            lost,
            attempt_timed_out,
            timed_out,
            cancelled,
            unavailable,
            given_up,
            queue_full,
            limited,
            retried,
            hedged,
            hedge_won,
            ejected,
            probes,
            recovered,
            passed,
            redirect_server,
            cache_hit,
            cache_stored,
            cache_evicted,
            otherwise_cached,
            otherwise_document,
            otherwise_pass,
        }
    );
}

fn add_channels(stats: &mut Stats, channels: &client::ChannelStats) {
    add!(
        stats,
        "channels",
        channels,
        client::ChannelStats {
            connected,
            disconnected,
            turned_away,
            too_large,
            bad_frame,
            silent,
            stalled,
            tls_failed,
            dial_failed,
            repeated,
            bad_message,
            notices_dropped,
        }
    );
}

fn add_notifications(stats: &mut Stats, notifications: &client::NotifyStats) {
    add!(
        stats,
        "notifications",
        notifications,
        client::NotifyStats {
            pushed,
            sent,
            acked,
            resent,
            dropped,
        }
    );
}

fn add_recording(stats: &mut Stats, recorder: &client::RecorderStats) {
    let client::SpoolStats {
        recorded,
        dropped,
        without_outcome,
    } = recorder.spools;
    stats.add("recording", "recorded", recorded);
    stats.add("recording", "without_outcome", without_outcome);
    stats.add("recording", "spool_dropped", dropped);
    stats.add("recording", "masked_failed", recorder.mask_failed);
    for sink in &recorder.sinks {
        let [written, dropped, errors, renewed] = match sink.name {
            "file" => [
                "file_written",
                "file_dropped",
                "file_errors",
                "file_rotations",
            ],
            _ => [
                "redis_written",
                "redis_dropped",
                "redis_errors",
                "redis_reconnects",
            ],
        };
        stats.add("recording", written, sink.written);
        stats.add("recording", dropped, sink.dropped);
        stats.add("recording", errors, sink.errors);
        stats.add("recording", renewed, sink.renewed);
    }
}

fn add_shadows(stats: &mut Stats, shadows: &client::ShadowCounts) {
    for (name, value) in [
        ("asked", shadows.asked),
        ("agreed", shadows.agreed),
        ("differed", shadows.differed),
        ("invalid", shadows.invalid),
        ("timeout", shadows.timeout),
        ("lost", shadows.lost),
        ("refused", shadows.refused),
        ("error", shadows.error),
        ("queue_full", shadows.queue_full),
        ("busy", shadows.busy),
        ("down", shadows.down),
        ("undecided", shadows.undecided),
    ] {
        stats.add("shadow", name, value);
    }
}

fn add_shard(stats: &mut Stats, report: &Report) {
    add!(
        stats,
        "udp",
        &report.udp,
        crate::udp::UdpCounters {
            received,
            receive_calls,
            receive_errors,
            sent,
            send_calls,
            send_errors,
            send_refused,
            send_blocked,
        }
    );
    add!(
        stats,
        "resolver",
        &report.resolve,
        crate::resolve::ResolveCounters {
            lookups,
            cached,
            failed,
            refused,
        }
    );
    add!(
        stats,
        "shards",
        &report.shard,
        crate::shard::ShardCounters {
            turns,
            keepalives,
            unparsable,
            undelivered,
        }
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_are_summed_and_zeros_stay_out_of_the_line() {
        let mut stats = Stats::default();
        for (name, value) in [("a", 1), ("b", 0), ("a", 2), ("c", 5)] {
            stats.add("udp", name, value);
        }
        assert_eq!(stats.get("udp", "a"), 3);
        assert_eq!(stats.get("udp", "missing"), 0);
        assert_eq!(stats.text("udp"), "a=3 c=5");
    }
}
