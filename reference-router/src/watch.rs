//! The configuration and its data files, read again whenever one of them changes.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{Notify, watch};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::{error, info, warn};

use crate::error::SetupError;
use crate::setup::Setup;

/// An editor writes in several steps: files are read when this long nothing more happened.
const SETTLED: Duration = Duration::from_millis(50);
/// Files that never come to rest are read all the same after this many steps.
const MOST_STEPS: usize = 20;

/// What is in force.
#[derive(Debug, Clone)]
pub struct Current {
    /// The last that was in order.
    pub setup: Arc<Setup>,
    /// Why the files as they are can't be used; then `setup` is older than them.
    pub problem: Option<Arc<SetupError>>,
}

/// Why a configuration can't be followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// It is not in order, and there is no older one.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// Its directory can't be watched.
    #[error("it can't be watched")]
    Watch(#[from] notify::Error),
}

/// Reads a configuration and keeps reading it when it or its data changes, until nobody looks any
/// more.
///
/// # Errors
/// It is not in order, or can't be watched.
pub fn follow(path: &Path) -> Result<watch::Receiver<Current>, FollowError> {
    let mut watched = Watched::new(path)?;
    let seen = watched.look();
    let setup = Setup::load(path, None).map_err(|(error, _)| error)?;
    warn_of(&setup);
    watched.add(setup.files());
    let (sender, receiver) = watch::channel(Current {
        setup: Arc::new(setup),
        problem: None,
    });
    // The data files were unknown when `seen` was taken, so that the first change is taken for one.
    let follower = Follower {
        seen,
        watched,
        sender,
    };
    tokio::spawn(follower.run());
    Ok(receiver)
}

/// What files held; nothing where one can't be read.
type Contents = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// Files whose changes are noticed.
struct Watched {
    main: PathBuf,
    files: BTreeSet<PathBuf>,
    directories: BTreeSet<PathBuf>,
    changed: Arc<Notify>,
    watcher: RecommendedWatcher,
}

impl Watched {
    fn new(main: &Path) -> notify::Result<Self> {
        let changed = Arc::new(Notify::new());
        let bell = Arc::clone(&changed);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_))) {
                bell.notify_one();
            }
        })?;
        let mut watched = Self {
            main: main.to_owned(),
            files: BTreeSet::new(),
            directories: BTreeSet::new(),
            changed,
            watcher,
        };
        watched.add_file(main)?;
        Ok(watched)
    }

    /// Also follows these; one whose directory can't be watched is followed with the others.
    fn add(&mut self, files: &[PathBuf]) {
        for file in files {
            if let Err(error) = self.add_file(file) {
                warn!(file = %file.display(), %error, "changes of it may go unnoticed");
            }
        }
    }

    /// Watches the directory, because editors and configuration managers put a new file in the place
    /// of the old one, which a watch of the file itself would not see.
    fn add_file(&mut self, file: &Path) -> notify::Result<()> {
        self.files.insert(file.to_owned());
        let directory = match file.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        if self.directories.insert(directory.to_owned()) {
            self.watcher.watch(directory, RecursiveMode::NonRecursive)?;
        }
        Ok(())
    }

    fn look(&self) -> Contents {
        let read = |file: &PathBuf| (file.clone(), fs::read(file).ok());
        self.files.iter().map(read).collect()
    }

    async fn settled(&self) {
        for _ in 0..MOST_STEPS {
            if timeout(SETTLED, self.changed.notified()).await.is_err() {
                return;
            }
        }
    }
}

struct Follower {
    seen: Contents,
    watched: Watched,
    sender: watch::Sender<Current>,
}

impl Follower {
    async fn run(mut self) {
        loop {
            tokio::select! {
                () = self.watched.changed.notified() => {}
                () = self.sender.closed() => return,
            }
            self.watched.settled().await;
            let contents = self.watched.look();
            if contents != self.seen {
                self.seen = contents;
                self.reload().await;
            }
        }
    }

    async fn reload(&mut self) {
        let before = Arc::clone(&self.sender.borrow().setup);
        let main = self.watched.main.clone();
        // Tables may be large, and questions go on being answered while they are read.
        let loading = spawn_blocking(move || Setup::load(&main, Some(&before)));
        let Ok(outcome) = loading.await else {
            return;
        };
        let path = self.watched.main.display();
        match outcome {
            Ok(setup) => {
                info!(%path, data = %setup.summary()["modules"], "the rules have changed");
                warn_of(&setup);
                self.watched.add(setup.files());
                self.sender.send_modify(|current| {
                    *current = Current {
                        setup: Arc::new(setup),
                        problem: None,
                    };
                });
            }
            Err((error, files)) => {
                error!(%path, error = &error as &dyn Error, "the old rules stay in force");
                self.watched.add(&files);
                let problem = Some(Arc::new(error));
                self.sender.send_modify(|current| current.problem = problem);
            }
        }
    }
}

fn warn_of(setup: &Setup) {
    for warning in setup.warnings() {
        warn!("{warning}");
    }
}
