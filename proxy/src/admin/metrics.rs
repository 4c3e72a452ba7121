//! Everything that is counted, in the text format of Prometheus.

use std::fmt::{Display, Write};

use routing_api_client::{ShadowCounts, ShadowReport};

use crate::telemetry::Stats;

/// How the format is called.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The group that is told shadow by shadow.
const SHADOW: &str = "shadow";

/// What goes down again.
const GAUGES: [(&str, &str); 1] = [("streams", "alive")];

/// All of it.
pub(super) fn text(stats: &Stats, shadows: &[ShadowReport]) -> String {
    let mut page = Page::default();
    let groups = stats.groups().iter().filter(|it| it.name != SHADOW);
    for group in groups {
        for (name, value) in &group.counters {
            let is_gauge = GAUGES.contains(&(group.name, name));
            let help = format!("`{name}` of the counters in `{}`.", group.name);
            let (kind, suffix) = match is_gauge {
                true => ("gauge", ""),
                false => ("counter", "_total"),
            };
            let name = format!("tidegate_{}_{name}{suffix}", group.name);
            page.family(&name, kind, &help);
            page.sample(&name, &[], value);
        }
    }
    if !shadows.is_empty() {
        page.shadows(shadows);
    }
    page.0
}

/// One figure of each shadow.
type Figure = (&'static str, &'static str, fn(&ShadowCounts) -> u64);

const FIGURES: [Figure; 5] = [
    ("asked", "Questions that a shadow got.", |it| it.asked),
    (
        "agree",
        "Answers of a shadow that mean what was decided.",
        |it| it.agreed,
    ),
    (
        "differing",
        "Answers of a shadow that mean something else.",
        |it| it.differed,
    ),
    (
        "invalid",
        "Answers of a shadow by which no call could be routed.",
        |it| it.invalid,
    ),
    (
        "undecided",
        "Questions that a shadow did not get since no application decided them.",
        |it| it.undecided,
    ),
];

/// What is being written.
#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (n, (label, value)) in labels.iter().enumerate() {
            let before = if n == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{before}{label}=\"{}\"", escaped(value));
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }

    fn shadows(&mut self, shadows: &[ShadowReport]) {
        for (figure, help, of) in FIGURES {
            let name = format!("tidegate_shadow_{figure}_total");
            self.family(&name, "counter", help);
            for shadow in shadows {
                let labels = [("application", &*shadow.name)];
                self.sample(&name, &labels, of(&shadow.counts));
            }
        }
        self.labelled(
            "tidegate_shadow_differ_total",
            "Answers of a shadow that differ in a field.",
            "field",
            shadows,
            |it| it.fields.iter().map(|(field, n)| (&**field, *n)).collect(),
        );
        self.labelled(
            "tidegate_shadow_failed_total",
            "Questions that a shadow did not answer.",
            "reason",
            shadows,
            |it| {
                vec![
                    ("timeout", it.timeout),
                    ("lost", it.lost),
                    ("refused", it.refused),
                    ("error", it.error),
                ]
            },
        );
        self.labelled(
            "tidegate_shadow_dropped_total",
            "Questions that a shadow did not get.",
            "reason",
            shadows,
            |it| {
                vec![
                    ("queue_full", it.queue_full),
                    ("busy", it.busy),
                    ("down", it.down),
                ]
            },
        );
        self.latencies(shadows);
    }

    fn labelled(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        shadows: &[ShadowReport],
        values: impl Fn(&ShadowCounts) -> Vec<(&str, u64)>,
    ) {
        self.family(name, "counter", help);
        for shadow in shadows {
            for (value, count) in values(&shadow.counts) {
                let labels = [("application", &*shadow.name), (label, value)];
                self.sample(name, &labels, count);
            }
        }
    }

    fn latencies(&mut self, shadows: &[ShadowReport]) {
        let name = "tidegate_shadow_latency_seconds";
        self.family(name, "histogram", "How long a shadow took to answer.");
        let [bucket, sum, count] = ["bucket", "sum", "count"].map(|it| format!("{name}_{it}"));
        for shadow in shadows {
            let Some(latency) = &shadow.latency else {
                continue;
            };
            let application = ("application", &*shadow.name);
            for (ms, answers) in &latency.up_to_ms {
                let bound = std::time::Duration::from_millis(*ms).as_secs_f64();
                let labels = [application, ("le", &bound.to_string())];
                self.sample(&bucket, &labels, answers);
            }
            self.sample(&bucket, &[application, ("le", "+Inf")], latency.count);
            self.sample(&sum, &[application], latency.sum.as_secs_f64());
            self.sample(&count, &[application], latency.count);
        }
    }
}

fn escaped(value: &str) -> String {
    let value = value.replace('\\', "\\\\");
    value.replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use routing_api_client::{Latency, ShadowLatency};

    use super::*;

    fn report(name: &str) -> ShadowReport {
        ShadowReport {
            name: name.into(),
            pool: "default".into(),
            percentage: 100,
            counts: ShadowCounts {
                agreed: 7,
                fields: [("uri".into(), 2)].into(),
                down: 3,
                ..ShadowCounts::default()
            },
            latency: Some(ShadowLatency {
                percentiles: Latency {
                    p50: Duration::ZERO,
                    p95: Duration::ZERO,
                    p99: Duration::ZERO,
                },
                up_to_ms: vec![(5, 4), (1000, 8)],
                count: 9,
                sum: Duration::from_millis(1500),
            }),
            samples: 0,
        }
    }

    #[test]
    fn what_a_shadow_did_is_told_with_its_name() {
        let text = text(&Stats::default(), &[report("new")]);
        for line in [
            "# TYPE tidegate_shadow_agree_total counter",
            "tidegate_shadow_agree_total{application=\"new\"} 7",
            "tidegate_shadow_differ_total{application=\"new\",field=\"uri\"} 2",
            "tidegate_shadow_dropped_total{application=\"new\",reason=\"down\"} 3",
            "tidegate_shadow_latency_seconds_bucket{application=\"new\",le=\"0.005\"} 4",
            "tidegate_shadow_latency_seconds_bucket{application=\"new\",le=\"+Inf\"} 9",
            "tidegate_shadow_latency_seconds_sum{application=\"new\"} 1.5",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} in\n{text}");
        }
    }

    #[test]
    fn a_name_can_t_break_out_of_its_label() {
        let text = text(&Stats::default(), &[report("a\"b\\c\nd")]);
        assert!(
            text.contains("{application=\"a\\\"b\\\\c\\nd\"} 7\n"),
            "{text}"
        );
    }

    #[test]
    fn every_family_is_announced_once() {
        let text = text(&Stats::default(), &[report("a"), report("b")]);
        let mut types: Vec<_> = text.lines().filter(|it| it.starts_with("# TYPE")).collect();
        let all = types.len();
        types.sort_unstable();
        types.dedup();
        assert_eq!(types.len(), all);
    }
}
