//! The log.

use std::io::{self, IsTerminal};
use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::config::{Log, LogFormat};

type SetFilter = Box<dyn Fn(EnvFilter) + Send + Sync>;

/// Replaces the filter of the log that [`init`] set up.
static SET_FILTER: OnceLock<SetFilter> = OnceLock::new();

/// Writes the log to standard error from here on. Does nothing when a log is set up already.
pub fn init(log: &Log) {
    let filter = filter(&log.level).unwrap_or_default();
    let builder = tracing_subscriber::fmt().with_writer(io::stderr);
    let set: Option<SetFilter> = match log.format {
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true);
            let builder = builder.with_env_filter(filter).with_filter_reloading();
            let handle = builder.reload_handle();
            let set = move |filter| drop(handle.reload(filter));
            builder
                .try_init()
                .is_ok()
                .then(|| Box::new(set) as SetFilter)
        }
        LogFormat::Text => {
            let colours = io::stderr().is_terminal();
            let builder = builder.with_target(false).with_ansi(colours);
            let builder = builder.with_env_filter(filter).with_filter_reloading();
            let handle = builder.reload_handle();
            let set = move |filter| drop(handle.reload(filter));
            builder
                .try_init()
                .is_ok()
                .then(|| Box::new(set) as SetFilter)
        }
    };
    if let Some(set) = set {
        let _ = SET_FILTER.set(set);
    }
}

/// Writes at this level from here on, if the log is ours and the level is sound.
pub(crate) fn set_level(level: &str) {
    if let (Some(set), Ok(filter)) = (SET_FILTER.get(), filter(level)) {
        set(filter);
    }
}

/// What `log.level` says. The last word of every part has to be a level: the filter itself would
/// take a misspelt one for the name of a module, and be silent from then on.
pub(crate) fn filter(level: &str) -> Result<EnvFilter, String> {
    for part in level.split(',') {
        let word = part.rsplit('=').next().unwrap_or(part).trim();
        if word.is_empty() || word.parse::<LevelFilter>().is_err() {
            return Err(format!("`{word}` is no level"));
        }
    }
    EnvFilter::builder()
        .parse(level)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_parts_are_understood_and_nonsense_is_not() {
        for level in ["info", "debug", "info,routing_api_client=debug"] {
            assert!(filter(level).is_ok(), "{level}");
        }
        for level in ["loud", "", "info,", "info,a=b"] {
            assert!(filter(level).is_err(), "{level}");
        }
    }
}
