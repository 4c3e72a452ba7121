//! Applications that only look on: how well they agree, and in what they differ.

use routing_api_client::{Difference, ShadowCounts, ShadowReport, ShadowSample};
use serde_json::Value;
use serde_json::value::RawValue;
use tidegate_schemas::admin::{
    self, Agreement, Shadow, ShadowDifference, ShadowDropped, ShadowFailed,
};

use super::applications::{latency, state};
use super::{ManageError, Manager};
use crate::telemetry::Stats;

impl Manager {
    /// All of them.
    pub(crate) fn shadows(&self) -> Vec<Shadow> {
        let applications = &self.shared.applications;
        let members = applications.members();
        let reports = applications.shadow_reports().into_iter();
        let shadows = reports.map(|report| {
            let member = members.iter().find(|it| it.name == report.name);
            let state = member.map_or(admin::State::Down, |it| state(it.status));
            shadow(report, state)
        });
        shadows.collect()
    }

    /// One of them.
    pub(crate) fn shadow(&self, name: &str) -> Result<Shadow, ManageError> {
        let found = self.shadows().into_iter().find(|it| it.name == name);
        found.ok_or_else(|| ManageError::UnknownShadow(name.to_owned()))
    }

    /// Its differing answers that are kept, the newest first.
    pub(crate) fn shadow_samples(
        &self,
        name: &str,
    ) -> Result<Vec<admin::ShadowSample>, ManageError> {
        let samples = self.shared.applications.shadow_samples(name);
        let samples = samples.ok_or_else(|| ManageError::UnknownShadow(name.to_owned()))?;
        Ok(samples.into_iter().map(sample).collect())
    }

    /// Forgets them.
    pub(crate) fn forget_shadow_samples(&self, name: &str) -> Result<(), ManageError> {
        self.shadow(name)?;
        self.shared.applications.shadows().forget_samples(name);
        Ok(())
    }

    /// Begins to count anew.
    pub(crate) fn reset_shadow(&self, name: &str) -> Result<Shadow, ManageError> {
        self.shadow(name)?;
        self.shared.applications.shadows().reset(name);
        tracing::info!(application = name, "what the shadow did is counted anew");
        self.shadow(name)
    }

    /// All that is measured.
    pub(crate) async fn measured(&self) -> (Stats, Vec<ShadowReport>) {
        let stats = self.stats().await;
        (stats, self.shared.applications.shadow_reports())
    }
}

pub(super) fn agreement(counts: &ShadowCounts) -> Agreement {
    Agreement {
        agreed: counts.agreed,
        differed: counts.differed,
        invalid: counts.invalid,
        failed: counts.timeout + counts.lost + counts.refused + counts.error,
        dropped: counts.queue_full + counts.busy + counts.down,
    }
}

fn shadow(report: ShadowReport, state: admin::State) -> Shadow {
    let counts = report.counts;
    Shadow {
        name: report.name.to_string(),
        pool: report.pool.to_string(),
        state,
        shadow: report.percentage,
        asked: counts.asked,
        agreed: counts.agreed,
        differed: counts.differed,
        invalid: counts.invalid,
        failed: ShadowFailed {
            timeout: counts.timeout,
            lost: counts.lost,
            refused: counts.refused,
            error: counts.error,
        },
        dropped: ShadowDropped {
            queue_full: counts.queue_full,
            busy: counts.busy,
            down: counts.down,
        },
        undecided: counts.undecided,
        fields: counts
            .fields
            .into_iter()
            .map(|(field, count)| (field.into(), count))
            .collect(),
        latency: report.latency.map(|it| latency(it.percentiles)),
        samples: report.samples,
    }
}

fn sample(sample: ShadowSample) -> admin::ShadowSample {
    let event = value(&sample.event);
    admin::ShadowSample {
        time_ms: sample.time_ms,
        call: event["call"].as_str().unwrap_or_default().to_owned(),
        decided_by: sample.decided_by.into(),
        event,
        expected: value(&sample.expected),
        found: sample.found.as_deref().map(value),
        differences: sample.differences.into_iter().map(difference).collect(),
        problem: sample.problem,
    }
}

fn difference(it: Difference) -> ShadowDifference {
    ShadowDifference {
        field: it.field,
        pointer: it.pointer,
        expected: it.expected,
        found: it.found,
    }
}

fn value(json: &RawValue) -> Value {
    serde_json::from_str(json.get()).unwrap_or_default()
}
