//! The file is read again: validated whole, and applied whole or not at all.

use routing_api_client::TlsServer;
use tidegate_schemas::admin::{self, Reloaded};

use super::{ManageError, Manager, State};
use crate::config::{Config, Difference};
use crate::telemetry;

impl Manager {
    /// Reads the file again and puts it in place; after a `dry_run` all is as it was.
    ///
    /// # Errors
    /// When the file is wrong, or changes what is read at the start only. Then all is as it was.
    pub(crate) async fn reload(&self, dry_run: bool) -> Result<Reloaded, ManageError> {
        let mut state = self.state.lock().await;
        let outcome = self.reload_into(&mut state, dry_run).await;
        match &outcome {
            Ok(reloaded) if reloaded.applied => log(reloaded),
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the configuration was not reloaded"),
        }
        outcome
    }

    async fn reload_into(&self, state: &mut State, dry: bool) -> Result<Reloaded, ManageError> {
        let origin = self.origin.as_ref().filter(|it| it.file.is_some());
        let origin = origin.ok_or(ManageError::NoFile)?;
        let file = origin.load().map_err(ManageError::Config)?;
        let mut runtime = state.runtime.clone();
        let overruled = runtime.yield_to(&state.file, &file);
        let config = sound(runtime.over(&file))?;
        let difference = Difference::between(&state.runtime.over(&state.file), &config);
        let needs_restart: Vec<String> = difference.fixed().into_iter().map(Into::into).collect();
        if !dry {
            if !needs_restart.is_empty() {
                return Err(ManageError::NeedsRestart(needs_restart));
            }
            let level = config.log.level.clone();
            self.put_in_place(config)
                .await
                .map_err(ManageError::Conflict)?;
            telemetry::set_level(&level);
            self.read_certificates();
            *state = State { file, runtime };
        }
        Ok(Reloaded {
            applied: !dry,
            changes: difference.changes.into_iter().map(Into::into).collect(),
            overruled,
            needs_restart,
        })
    }

    fn read_certificates(&self) {
        for error in self.shared.tls.iter().map(TlsServer::reload) {
            if let Err(error) = error {
                tracing::error!(%error, "a certificate was not read anew");
            }
        }
    }
}

/// The file is sound by itself, but it may not be with what was changed at runtime.
fn sound(config: Config) -> Result<Config, ManageError> {
    match config.problems().into_iter().next() {
        Some(problem) => Err(ManageError::Conflict(problem)),
        None => Ok(config),
    }
}

fn log(reloaded: &Reloaded) {
    for admin::Change { key, old, new } in &reloaded.changes {
        let shown = |value: &Option<serde_json::Value>| value.as_ref().map(ToString::to_string);
        tracing::info!(
            key,
            old = shown(old),
            new = shown(new),
            "configuration changed"
        );
    }
    for name in &reloaded.overruled {
        tracing::info!(
            application = name,
            "the file overrules what was changed at runtime"
        );
    }
    tracing::info!(changes = reloaded.changes.len(), "configuration reloaded");
}

impl From<crate::config::Change> for admin::Change {
    fn from(change: crate::config::Change) -> Self {
        let crate::config::Change { key, old, new } = change;
        Self { key, old, new }
    }
}
