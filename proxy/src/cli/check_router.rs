//! `tidegate check-router`.

use std::io::{self, IsTerminal, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{ArgGroup, Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use routing_api_client::wire::Reach;
use routing_api_client::{Endpoint, Framing, Recording, Scheme, TlsClient, TlsServer, Token};
use serde_json::{Map, Value};
use tidegate_schemas::RouteEvent;

use super::exit;
use crate::check_router::{self, Group, Options, Place, Report, Severity};
use crate::config::{Config, Overrides};

pub(super) const EXAMPLES: &str = "\
The program takes the place of the proxy and tries an application on its own channel: its answers to
ordinary and odd events, and what it does about `cancelled`, `ping`, `drain`, unknown keys, bursts,
large events, and frames that come in pieces. Each finding has the rule that was broken and where it is
stated, what was sent, what came, the place in the document, and what to do about it. docs/check-router.md
has a table of all checks.

Examples:
  tidegate check-router http://127.0.0.1:8080/route
      An application that is asked over HTTP.

  tidegate check-router ws://127.0.0.1:8080/route --token s3cret
      One that is dialled over WebSocket; whether it refuses strangers is tried too.

  tidegate check-router --listen tcp://127.0.0.1:8448
      One that dials in, as examples/node does. Start it before or after this.

  tidegate check-router --listen ws://127.0.0.1:8449 --event call.json --config tidegate.toml
      With an event of your own, and the listeners and limits of your own proxy.

  tidegate check-router tcp://127.0.0.1:8450 --framing lines --only bursts --json | jq .figures
      One group of checks, for programs.

Colours are used on a terminal, unless NO_COLOR is set.

Exit codes:
  0  every rule is kept; what is broken is a warning or advice
  1  a rule is broken; with --strict, also one whose breach is a warning
  2  the command line is wrong
  3  the application can't be reached, or a file can't be read";

/// What to try.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("place").required(true).args(["url", "listen", "list"]))]
pub(super) struct CheckRouter {
    /// The application: tcp, tls, ws, wss, http or https
    url: Option<Endpoint>,

    /// Wait here until the application dials in: tcp, tls, ws or wss, with an address
    #[arg(long, value_name = "URL")]
    listen: Option<Endpoint>,

    /// The secret that application and proxy share
    #[arg(long, env = "TIDEGATE_ROUTER_TOKEN", hide_env_values = true)]
    token: Option<String>,

    /// How messages are told apart where the application is dialled over TCP or TLS
    #[arg(long, value_enum, default_value = "netstring")]
    framing: FramingName,

    /// TLS: who vouches for the application (PEM)
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,

    /// TLS: the certificate to show; needed to listen (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,

    /// TLS: its key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,

    /// TLS: the name in the application's certificate, where it is not its host
    #[arg(long, value_name = "NAME")]
    tls_server_name: Option<String>,

    /// Ask about this event instead of the embedded ones; may be given several times
    #[arg(long, value_name = "FILE", conflicts_with = "recording")]
    event: Vec<PathBuf>,

    /// Ask about the events in this recording instead of the embedded ones
    #[arg(long, value_name = "FILE")]
    recording: Option<PathBuf>,

    /// Try this group of checks only, after hello; may be given several times
    #[arg(long, value_name = "GROUP", value_parser = groups())]
    only: Vec<String>,

    /// List the checks and try nothing
    #[arg(long)]
    list: bool,

    /// Print the report as JSON
    #[arg(long)]
    json: bool,

    /// Take listeners, limits and the deadline from this configuration
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// How long a question may take [default: `routing.deadline_ms`]
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(10..=60_000))]
    timeout_ms: Option<u32>,

    /// End with 1 after warnings too
    #[arg(long)]
    strict: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FramingName {
    /// One JSON text a line
    Lines,
    /// `<length>:<text>,`
    Netstring,
}

/// Questions that are taken from a recording.
const MOST_EVENTS: usize = 200;

pub(super) fn check_router(arguments: &CheckRouter) -> ExitCode {
    if arguments.list {
        return exit::answer(&check_router::list(arguments.json));
    }
    match run(arguments) {
        Err(why) => exit::complain(exit::START, &why),
        Ok(report) => {
            let _ = writeln!(io::stdout(), "{}", arguments.show(&report));
            ExitCode::from(arguments.verdict(&report))
        }
    }
}

fn run(arguments: &CheckRouter) -> Result<Report, String> {
    let options = arguments.options()?;
    let spinner = spinner();
    let progress = |what: &str| spinner.set_message(what.to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let report = runtime.block_on(check_router::run(options, &progress));
    spinner.finish_and_clear();
    report.map_err(|error| format!("{}: {error}", arguments.address()))
}

/// Nothing is drawn where nobody looks.
fn spinner() -> ProgressBar {
    let spinner = match io::stderr().is_terminal() {
        true => ProgressBar::new_spinner(),
        false => ProgressBar::hidden(),
    };
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
        spinner.set_style(style);
    }
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}

impl CheckRouter {
    fn options(&self) -> Result<Options, String> {
        let config = Config::load(self.config.as_deref(), &Overrides::default());
        let config = config.map_err(|error| error.to_string())?;
        let only = self.only.iter().filter_map(|name| Group::named(name));
        Ok(Options {
            place: self.place(&config)?,
            token: self.token.clone(),
            deadline_ms: self.timeout_ms.unwrap_or(config.routing.deadline_ms),
            only: only.collect(),
            events: self.events()?,
            config,
        })
    }

    fn place(&self, config: &Config) -> Result<Place, String> {
        if let Some(listen) = &self.listen {
            return self.listening(listen);
        }
        let endpoint = self.url.clone().ok_or("the address is missing")?;
        if endpoint.scheme == Scheme::Sip {
            return Err("a SIP redirect server has no routing API to be tried".to_owned());
        }
        Ok(Place::Reach(Reach {
            endpoint,
            framing: match self.framing {
                FramingName::Lines => Framing::Lines,
                FramingName::Netstring => Framing::Netstring,
            },
            token: self.token.as_deref().map(Token::new),
            tls: TlsClient {
                ca_file: self.tls_ca.clone(),
                certificate_file: self.tls_certificate.clone(),
                key_file: self.tls_key.clone(),
                server_name: self.tls_server_name.clone(),
            },
            max_frame: config.routing.max_frame,
            within: Duration::from_secs(5),
        }))
    }

    fn listening(&self, listen: &Endpoint) -> Result<Place, String> {
        if matches!(listen.scheme, Scheme::Http | Scheme::Https | Scheme::Sip) {
            let name = listen.scheme.name();
            return Err(format!(
                "no application dials in over {name}: give its URL without --listen"
            ));
        }
        let tls = match (
            listen.scheme.is_secure(),
            &self.tls_certificate,
            &self.tls_key,
        ) {
            (false, ..) => None,
            (true, Some(certificate), Some(key)) => Some(
                TlsServer::from_files(certificate, key, self.tls_ca.clone())
                    .map_err(|error| error.to_string())?,
            ),
            (true, ..) => {
                return Err("to listen with TLS, give --tls-certificate and --tls-key".to_owned());
            }
        };
        Ok(Place::Listen {
            scheme: listen.scheme,
            address: address(listen)?,
            tls,
        })
    }

    fn events(&self) -> Result<Vec<Map<String, Value>>, String> {
        let mut events = Vec::new();
        for file in &self.event {
            events.extend(events_of(file)?);
        }
        if let Some(file) = &self.recording {
            events.extend(recorded(file)?);
        }
        Ok(events)
    }

    fn address(&self) -> String {
        let address = self.url.as_ref().or(self.listen.as_ref());
        address.map(ToString::to_string).unwrap_or_default()
    }

    fn show(&self, report: &Report) -> String {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        match self.json {
            true => format!("{:#}", check_router::json(report)),
            false => check_router::text(report, io::stdout().is_terminal() && !no_colour),
        }
    }

    fn verdict(&self, report: &Report) -> u8 {
        let warnings = match self.strict {
            true => report.count(Severity::Warning),
            false => 0,
        };
        match report.count(Severity::Error) + warnings {
            0 => exit::OK,
            _ => exit::UNLIKE,
        }
    }
}

fn address(listen: &Endpoint) -> Result<SocketAddr, String> {
    let found = (listen.host.as_str(), listen.port).to_socket_addrs();
    let found = found.map_err(|error| format!("{listen}: {error}"))?;
    found
        .into_iter()
        .next()
        .ok_or_else(|| format!("{listen}: there is no such address"))
}

/// One event, or an array of them.
fn events_of(file: &Path) -> Result<Vec<Map<String, Value>>, String> {
    let wrong = |why: String| format!("{}: {why}", file.display());
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let values = match value {
        Value::Array(values) => values,
        value => vec![value],
    };
    values
        .into_iter()
        .map(|value| event(value).map_err(wrong))
        .collect()
}

fn recorded(file: &Path) -> Result<Vec<Map<String, Value>>, String> {
    let recording = Recording::open(file).map_err(|error| error.to_string())?;
    let mut events = Vec::new();
    for entry in recording.take(MOST_EVENTS) {
        let entry = entry.map_err(|error| error.to_string())?;
        let record = entry.record().map_err(|error| error.to_string())?;
        let value = serde_json::to_value(&record.event).map_err(|error| error.to_string())?;
        events.push(event(value)?);
    }
    match events.is_empty() {
        true => Err(format!("{}: there is no question in it", file.display())),
        false => Ok(events),
    }
}

/// What is missing of an event is filled in when it is asked; `source` and `request` can't be.
fn event(mut value: Value) -> Result<Map<String, Value>, String> {
    let id = "00000000-00000000-00000000";
    let Some(event) = value.as_object_mut() else {
        return Err("an event is a JSON object".to_owned());
    };
    let mut whole = event.clone();
    for (key, value) in [
        ("id", id.into()),
        ("call", id.into()),
        ("node", id.into()),
        ("deadline_ms", Value::from(1)),
        ("attempt", 1.into()),
        ("reason", "new".into()),
    ] {
        whole.entry(key).or_insert(value);
    }
    let text = Value::Object(whole).to_string();
    let read: Result<RouteEvent<'_>, _> = serde_json::from_str(&text);
    read.map_err(|error| format!("this is no event: {error}"))?;
    Ok(std::mem::take(event))
}

fn groups() -> PossibleValuesParser {
    PossibleValuesParser::new(Group::ALL.map(Group::name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_needs_its_source_and_its_request() {
        let whole = json!({"source": {"transport": "udp", "ip": "192.0.2.1", "port": 5060, "listener": ""},
            "request": {"method": "INVITE", "uri": "sip:a@b", "from": {"uri": "sip:c@d"},
                "to": {"uri": "sip:a@b"}, "call_id": "1", "cseq": 1, "headers": []}});
        assert!(event(whole.clone()).is_ok());
        let error = event(json!({"request": whole["request"]})).unwrap_err();
        assert!(error.contains("source"), "{error}");
    }
}
