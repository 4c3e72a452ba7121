//! Asks one application outside of any proxy: for tools that try one out.
//!
//! What is asked is a sample question of a [`Registry`] that knows nobody else, over the same
//! channels and in both directions; no answer is executed.

mod pump;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tidegate_schemas::RouteEvent;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::endpoint::Scheme;
use crate::inbound::Inboxes;
use crate::keep::keep_connected;
use crate::policy::{Dial, Member, Policy};
use crate::registry::{Registry, SampleAnswer, SampleError};
use crate::serve::{Accept, serve};
use crate::settings::Settings;
use pump::pump;

/// Messages from the application that wait to be handed over.
const INBOX: usize = 1024;

/// How the application is reached.
#[derive(Debug)]
pub enum Reach {
    /// It is dialled, and dialled again when the connection is lost.
    Dial(Box<Dial>),
    /// It dials in. The first one that does is asked; when it leaves, another one.
    Accept(TcpListener, Box<Accept>),
}

/// How an application is asked.
#[derive(Debug, Clone)]
pub struct AskerSettings {
    /// How long the application is waited for at first.
    pub within: Duration,
    /// As a proxy has them. `instance` is chosen at random where it is 0.
    pub settings: Settings,
}

impl Default for AskerSettings {
    fn default() -> Self {
        Self {
            within: Duration::from_secs(5),
            settings: Settings {
                reconnect_max: Duration::from_secs(1),
                ..Settings::default()
            },
        }
    }
}

/// Why no application can be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskerError {
    /// A SIP redirect server.
    #[error("a SIP redirect server can't be asked outside of a call")]
    Redirect,
    /// It is not there in time.
    #[error("{}", unreached(.address, *.dialled, .within, .why.as_deref()))]
    Unreached {
        /// Where it is, or where it was waited for.
        address: String,
        /// Whether it was dialled.
        dialled: bool,
        /// How long it was waited for.
        within: Duration,
        /// What was wrong last.
        why: Option<Arc<str>>,
    },
    /// A listener can't be used.
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn unreached(address: &str, dialled: bool, within: &Duration, why: Option<&str>) -> String {
    let within = within.as_secs_f32();
    let what = match dialled {
        true => format!("the application at {address} can't be reached within {within} s"),
        false => format!("no application dialled in at {address} within {within} s"),
    };
    match why {
        Some(why) => format!("{what}: {why}"),
        None => what,
    }
}

/// The application that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedApplication {
    /// What it calls itself; its address where it is dialled.
    pub name: Arc<str>,
    /// Its own version, where it says one.
    pub release: Option<String>,
    /// Most questions that it takes at once.
    pub max_in_flight: u32,
}

/// One application that can be asked from any number of tasks at once.
#[derive(Debug)]
pub struct Asker {
    registry: Arc<Registry>,
    /// Whom to ask, while it is connected.
    current: watch::Receiver<Option<Arc<str>>>,
    stop: watch::Sender<bool>,
    tasks: [JoinHandle<()>; 2],
}

impl Asker {
    /// Waits until there is an application that can be asked.
    ///
    /// # Errors
    /// There is none in time.
    pub async fn connect(reach: Reach, settings: AskerSettings) -> Result<Self, AskerError> {
        let (address, dialled) = match &reach {
            Reach::Dial(dial) if dial.endpoint.scheme == Scheme::Sip => {
                return Err(AskerError::Redirect);
            }
            Reach::Dial(dial) => (dial.endpoint.to_string(), true),
            Reach::Accept(listener, _) => (listener.local_addr()?.to_string(), false),
        };
        let asker = Self::start(reach, settings.settings);
        if asker.wait(settings.within).await.is_ok() {
            return Ok(asker);
        }
        let why = asker.registry.last_trouble();
        asker.close().await;
        Err(AskerError::Unreached {
            address,
            dialled,
            within: settings.within,
            why,
        })
    }

    /// Asks a question, which is over after `within`. `id` and `deadline_ms` of the event are filled
    /// in.
    ///
    /// # Errors
    /// There is no answer, or it is no route document.
    pub fn ask(
        &self,
        event: &RouteEvent<'_>,
        within: Duration,
    ) -> impl Future<Output = Result<SampleAnswer, SampleError>> + Send + use<> {
        let current = self.current.borrow().clone();
        let asked = current.map(|name| self.registry.sample(&name, event, within));
        async move {
            match asked {
                Some(answer) => answer.await,
                None => Err(SampleError::Down),
            }
        }
    }

    /// Waits until the application is connected (again).
    ///
    /// # Errors
    /// It is not in time; what was wrong last, where it is known.
    pub async fn wait(&self, within: Duration) -> Result<(), Option<Arc<str>>> {
        let mut current = self.current.clone();
        let up = timeout(within, current.wait_for(Option::is_some)).await;
        match up {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(self.registry.last_trouble()),
        }
    }

    /// Who is asked; nothing while it is not connected.
    #[must_use]
    pub fn application(&self) -> Option<AskedApplication> {
        let name = self.current.borrow().clone()?;
        let connected = self.registry.connection_of(&name)?;
        Some(AskedApplication {
            name,
            release: connected.release_name().map(|it| it.to_string()),
            max_in_flight: connected.credit(),
        })
    }

    /// Says farewell. Questions that have no answer get none.
    pub async fn close(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            let _ = task.await;
        }
    }

    fn start(reach: Reach, mut settings: Settings) -> Self {
        if settings.instance == 0 {
            settings.instance = fastrand::u32(1..);
        }
        let registry = Registry::new(settings);
        let (inbox, arrivals) = mpsc::channel(INBOX);
        let inboxes = Inboxes::new(vec![inbox]);
        let (stop, stopped) = watch::channel(false);
        let (found, current) = watch::channel(None);
        let shared = Arc::clone(&registry);
        let channel = match reach {
            Reach::Dial(dial) => {
                registry.reconfigure(policy(*dial));
                tokio::spawn(keep_connected(shared, inboxes, stopped, |_| true))
            }
            Reach::Accept(listener, accept) => {
                tokio::spawn(serve(listener, *accept, shared, inboxes, stopped))
            }
        };
        let pump = tokio::spawn(pump(Arc::clone(&registry), arrivals, found));
        Self {
            registry,
            current,
            stop,
            tasks: [channel, pump],
        }
    }
}

/// Nobody but this one.
fn policy(dial: Dial) -> Arc<Policy> {
    let member = Member {
        name: dial.endpoint.to_string().into(),
        pool: 0,
        weight: 1,
        canary: None,
        shadow: None,
        max_in_flight: None,
        draining: false,
        dial: Some(dial),
    };
    Arc::new(Policy {
        applications: vec![member],
        ..Policy::simple()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;
    use crate::dialect::native::NativeDialect;
    use crate::policy::TlsClient;

    fn dialling(url: &str) -> Reach {
        Reach::Dial(Box::new(Dial {
            endpoint: url.parse().unwrap(),
            dialect: Dialect::Native(NativeDialect::default()),
            token: None,
            tls: TlsClient::default(),
            notify: None,
        }))
    }

    fn soon() -> AskerSettings {
        AskerSettings {
            within: Duration::from_millis(300),
            ..AskerSettings::default()
        }
    }

    #[tokio::test]
    async fn a_dead_application_is_named_with_what_is_wrong() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let url = format!("tcp://{address}");
        let error = Asker::connect(dialling(&url), soon()).await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with(&format!("the application at {url}")),
            "{text}"
        );
        assert!(text.contains("refused"), "{text}");
    }

    #[tokio::test]
    async fn one_that_never_dials_in_is_not_waited_for_for_ever() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accept = Accept::tcp(Dialect::Native(NativeDialect::default()));
        let reach = Reach::Accept(listener, Box::new(accept));
        let error = Asker::connect(reach, soon()).await.unwrap_err();
        let expected = format!("no application dialled in at {address} within 0.3 s");
        assert_eq!(error.to_string(), expected);
    }

    #[tokio::test]
    async fn a_redirect_server_is_no_application_to_be_asked() {
        let error = Asker::connect(dialling("sip:192.0.2.1"), soon()).await;
        assert!(matches!(error, Err(AskerError::Redirect)), "{error:?}");
    }
}
