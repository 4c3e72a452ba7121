//! The rules file, read again whenever it changes.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tracing::{error, info, warn};

use crate::rules::{Rules, RulesError};

/// An editor writes in several steps: the file is read when this long nothing more happened.
const SETTLED: Duration = Duration::from_millis(50);
/// A file that never comes to rest is read all the same after this many steps.
const MOST_STEPS: usize = 20;

/// The rules that are in force.
#[derive(Debug, Clone)]
pub struct Current {
    /// The last ones that were in order.
    pub rules: Arc<Rules>,
    /// Why the file as it is can't be used; then `rules` are older than it.
    pub problem: Option<Arc<RulesError>>,
}

/// Why a file can't be followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The file is not in order, and there are no older rules.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// Its directory can't be watched.
    #[error("the rules file can't be watched")]
    Watch(#[from] notify::Error),
}

/// Reads a rules file and keeps reading it when it changes, until nobody looks any more.
///
/// # Errors
/// The file is not in order, or can't be watched.
pub fn follow(path: &Path) -> Result<watch::Receiver<Current>, FollowError> {
    let changed = Arc::new(Notify::new());
    let watcher = watch_directory(path, Arc::clone(&changed))?;
    let text = fs::read_to_string(path).map_err(RulesError::from)?;
    let rules = Arc::new(parse(&text)?);
    let (sender, receiver) = watch::channel(Current {
        rules,
        problem: None,
    });
    let follower = Follower {
        path: path.to_owned(),
        text,
        changed,
        sender,
        _watcher: watcher,
    };
    tokio::spawn(follower.run());
    Ok(receiver)
}

/// Watches the directory, because editors and configuration managers put a new file in the place of
/// the old one, which a watch of the file itself would not see.
fn watch_directory(path: &Path, changed: Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        if event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_))) {
            changed.notify_one();
        }
    })?;
    watcher.watch(directory, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

struct Follower {
    path: PathBuf,
    /// What the file held when it was read last.
    text: String,
    changed: Arc<Notify>,
    sender: watch::Sender<Current>,
    _watcher: RecommendedWatcher,
}

impl Follower {
    async fn run(mut self) {
        loop {
            tokio::select! {
                () = self.changed.notified() => {}
                () = self.sender.closed() => return,
            }
            self.settle().await;
            self.reload();
        }
    }

    async fn settle(&self) {
        for _ in 0..MOST_STEPS {
            if timeout(SETTLED, self.changed.notified()).await.is_err() {
                return;
            }
        }
    }

    fn reload(&mut self) {
        let outcome = match fs::read_to_string(&self.path) {
            Ok(text) if text == self.text => return,
            Ok(text) => {
                self.text = text;
                parse(&self.text)
            }
            Err(error) => Err(error.into()),
        };
        let path = self.path.display();
        match &outcome {
            Ok(rules) => info!(%path, rules = rules.count(), "the rules have changed"),
            Err(error) => {
                error!(%path, error = error as &dyn Error, "the old rules stay in force")
            }
        }
        self.sender.send_modify(|current| match outcome {
            Ok(rules) => {
                *current = Current {
                    rules: Arc::new(rules),
                    problem: None,
                };
            }
            Err(error) => current.problem = Some(Arc::new(error)),
        });
    }
}

fn parse(text: &str) -> Result<Rules, RulesError> {
    let rules = Rules::parse(text)?;
    for warning in rules.warnings() {
        warn!("{warning}");
    }
    Ok(rules)
}
