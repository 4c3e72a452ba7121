//! A conformance kit: tells the author of a routing application what it gets wrong, over its own
//! channel.
//!
//! The kit takes the place of the proxy. It speaks the contract below the client that calls go
//! through, because it has to do what that one never does: split frames, send what nobody knows, and
//! look at each byte that comes back.

mod bench;
mod catalogue;
mod events;
mod groups;
mod judge;
mod line;
mod report;
mod text;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use routing_api_client::wire::{Door, HttpWire, Reach};
use routing_api_client::{AcceptTransport, Scheme, TlsServer};
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep};

use self::bench::{Bench, Way, dial_patiently};
use self::catalogue::{ANSWERS_MESSAGE, Check};
pub(crate) use self::catalogue::{Group, Severity};
use self::events::Asking;
use self::line::hello;
pub(crate) use self::report::Report;
pub(crate) use self::text::{json, list, text};
use crate::config::Config;

/// An application that was started together with the kit may need a moment.
const STARTING: Duration = Duration::from_secs(10);

/// How long an application that dials in is waited for.
const AWAITED: Duration = Duration::from_secs(30);

/// The kit ends, whatever the application does: no further group is begun after this.
const LIMIT: Duration = Duration::from_secs(120);

/// What is to be tried, and how.
pub(crate) struct Options {
    pub(crate) place: Place,
    /// The shared secret, where one is to be shown.
    pub(crate) token: Option<String>,
    pub(crate) deadline_ms: u32,
    /// All groups when empty.
    pub(crate) only: Vec<Group>,
    /// Asked instead of the embedded ones.
    pub(crate) events: Vec<Map<String, Value>>,
    /// The proxy whose limits and listeners count.
    pub(crate) config: Config,
}

/// Where the application is.
pub(crate) enum Place {
    Reach(Reach),
    /// It dials in here.
    Listen {
        scheme: Scheme,
        address: SocketAddr,
        tls: Option<TlsServer>,
    },
}

/// Tries an application. `progress` hears what is going on.
///
/// # Errors
/// It can't be reached.
pub(crate) async fn run(options: Options, progress: &dyn Fn(&str)) -> io::Result<Report> {
    let until = Instant::now() + LIMIT;
    let only = options.only.clone();
    let mut bench = connect(options, progress).await?;
    for group in Group::ALL {
        let wanted = only.is_empty() || only.contains(&group) || group == Group::Hello;
        if !wanted {
            continue;
        }
        progress(group.name());
        if Instant::now() >= until {
            let why = "the kit ran out of time";
            bench.unfit.get_or_insert_with(|| why.to_owned());
        }
        if bench.unfit.is_none() {
            groups::run(group, &mut bench).await;
        }
        finish(&mut bench, group);
    }
    bench.hang_up().await;
    Ok(bench.report)
}

/// Each check of a group that was gone through has an outcome.
fn finish(bench: &mut Bench, group: Group) {
    let why = bench.unfit.clone();
    let why = why.unwrap_or_else(|| "there was no occasion".to_owned());
    let untold: Vec<_> = group.checks().filter(|check| !bench.knows(check)).collect();
    for check in untold {
        match *check == ANSWERS_MESSAGE && bench.unfit.is_none() {
            true => bench.report.pass(check),
            false => bench.report.skip(check, &why),
        }
    }
}

impl Bench {
    fn knows(&self, check: &'static Check) -> bool {
        self.report.of(check).is_some()
    }
}

async fn connect(options: Options, progress: &dyn Fn(&str)) -> io::Result<Bench> {
    let config = &options.config;
    let listener = config.listen.first().map(crate::config::listener);
    let listener = listener.map(|it| it.name()).unwrap_or_default();
    let address = match &options.place {
        Place::Reach(reach) => reach.endpoint.to_string(),
        Place::Listen {
            scheme, address, ..
        } => format!("{}://{address}", scheme.name()),
    };
    let max_frame = config.routing.max_frame;
    let (way, line) = match options.place {
        Place::Listen {
            scheme,
            address,
            tls,
        } => {
            progress("waiting for the application to dial in");
            let door = Door::open(address, transport(scheme), tls, max_frame).await?;
            let wire = door.accept(AWAITED).await.map_err(never_came)?;
            (Way::Awaited(door), Some(line::Line::new(wire)))
        }
        Place::Reach(reach) if is_http(&reach) => {
            let http = HttpWire::new(&reach).await?;
            post_patiently(&http, &config.node).await?;
            (Way::Http(Arc::new(http), reach), None)
        }
        Place::Reach(reach) => {
            let line = dial_patiently(&reach, STARTING).await?;
            (Way::Dialled(reach), Some(line))
        }
    };
    Ok(Bench {
        report: Report::about(address),
        asking: Asking::new(options.deadline_ms, &config.node, &listener),
        way,
        line,
        token: options.token,
        engine: config.engine_without_documents(),
        max_in_flight: 500,
        subscribed: Vec::new(),
        unfit: None,
        given: options.events,
    })
}

fn transport(scheme: Scheme) -> AcceptTransport {
    match scheme {
        Scheme::Ws | Scheme::Wss => AcceptTransport::WebSocket,
        _ => AcceptTransport::Tcp,
    }
}

fn is_http(reach: &Reach) -> bool {
    matches!(reach.endpoint.scheme, Scheme::Http | Scheme::Https)
}

fn never_came(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::TimedOut => {
            let why = format!("no application dialled in within {} s", AWAITED.as_secs());
            io::Error::new(io::ErrorKind::TimedOut, why)
        }
        _ => error,
    }
}

/// Until there is any response.
async fn post_patiently(http: &HttpWire, node: &str) -> io::Result<()> {
    let until = Instant::now() + STARTING;
    loop {
        match http.post(&hello(node, None), None, STARTING).await {
            Ok(_) => return Ok(()),
            Err(why) if Instant::now() >= until => return Err(io::Error::other(why)),
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}
