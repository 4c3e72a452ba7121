//! From what the operator wrote about applications to what the routing client takes.

use std::sync::Arc;
use std::time::Duration;

use routing_api_client as client;
use tidegate_schemas::RouteDocument;

use super::Config;
use super::applications::{Application, RoutingListen, RoutingTransport};
use super::chains::{self, Chain, Step};
use super::dialects::{AnswerPaths, Dialect, Framing};
use super::documents::StaticDocument;
use super::error::Problem;
use super::peers::{Cgrates, Drachtio, Wazo};
use super::pools::{self, Pool};
use super::routing::{DEFAULT, Routing};
use super::tls::{ClientTls, ServerTls};

/// Why something can't be spoken: the field, and what is wrong with it.
pub(super) type Unspeakable = (&'static str, String);

impl Config {
    /// Whom the routing client asks, in which order, and what counts as a failure.
    ///
    /// # Errors
    /// When it names what does not exist, or a document can't be read or executed.
    pub fn policy(&self) -> Result<client::Policy, Problem> {
        let routing = &self.routing;
        let documents = Documents(self, self.engine_without_documents());
        let applications = (0..).zip(&routing.application);
        let named =
            applications.map(|(i, it)| member(routing, it, &format!("routing.application[{i}]")));
        let short = (0..).zip(&routing.dial);
        let short =
            short.map(|(i, it)| member(routing, &it.application(), &format!("routing.dial[{i}]")));
        Ok(client::Policy {
            chains: chains(routing, &documents)?,
            pools: routing.pools().iter().map(pool).collect(),
            applications: named.chain(short).collect::<Result<_, _>>()?,
        })
    }
}

/// The documents of a configuration, by name.
struct Documents<'a>(&'a Config, tidegate_engine::Config);

impl Documents<'_> {
    fn get(&self, name: &str, asked_at: &str) -> Result<RouteDocument, Problem> {
        let Self(config, engine) = self;
        document(config, engine, name, asked_at)
    }
}

/// The document of this name. `asked_at` is the key that names it.
pub(super) fn document(
    config: &Config,
    engine: &tidegate_engine::Config,
    name: &str,
    asked_at: &str,
) -> Result<RouteDocument, Problem> {
    let known = &config.routing.documents;
    let found = known.get(name).ok_or_else(|| {
        let names = list(known.keys().map(String::as_str));
        let message = format!("there is no document `{name}` in [routing.documents]; {names}");
        Problem::new(asked_at, message)
    })?;
    read_document(name, found, engine)
}

/// A named document, which may not be empty.
pub(super) fn read_document(
    name: &str,
    document: &StaticDocument,
    engine: &tidegate_engine::Config,
) -> Result<RouteDocument, Problem> {
    let key = format!("routing.documents.{name}");
    document
        .read(&key, engine)?
        .ok_or_else(|| Problem::new(key, "neither a `document` nor a `document_file` is given"))
}

/// `there are: a, b`, for messages.
pub(super) fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.collect();
    match names.is_empty() {
        true => "there is none".to_owned(),
        false => format!("there are: {}", names.join(", ")),
    }
}

fn chains(routing: &Routing, documents: &Documents<'_>) -> Result<Vec<client::Chain>, Problem> {
    if routing.chain.is_empty() {
        let mut simple = client::Policy::simple().chains;
        simple.iter_mut().for_each(|it| it.name = DEFAULT.into());
        return Ok(simple);
    }
    let chains = routing.chain.iter().enumerate();
    chains
        .map(|(i, it)| chain(routing, documents, it, &format!("routing.chain[{i}]")))
        .collect()
}

fn chain(
    routing: &Routing,
    documents: &Documents<'_>,
    chain: &Chain,
    key: &str,
) -> Result<client::Chain, Problem> {
    let steps = chain.step.iter().enumerate();
    let steps = steps.map(|(i, it)| step(routing, documents, it, &format!("{key}.step[{i}]")));
    Ok(client::Chain {
        name: chain.name.as_str().into(),
        steps: steps.collect::<Result<_, _>>()?,
    })
}

fn step(
    routing: &Routing,
    documents: &Documents<'_>,
    step: &Step,
    key: &str,
) -> Result<client::Step, Problem> {
    let asked = step.ask.iter().enumerate();
    let asked = asked.map(|(i, name)| pool_index(routing, Some(name), &format!("{key}.ask[{i}]")));
    let otherwise = step.otherwise.iter().enumerate();
    let otherwise = otherwise.map(|(i, it)| {
        Ok(match it {
            chains::Otherwise::Cache => client::Otherwise::Cached,
            chains::Otherwise::Pass => client::Otherwise::Pass,
            chains::Otherwise::Document(name) => {
                let document = documents.get(name, &format!("{key}.otherwise[{i}]"))?;
                client::Otherwise::Document(name.as_str().into(), Arc::new(document))
            }
        })
    });
    Ok(client::Step {
        name: step.name.as_str().into(),
        ask: asked.collect::<Result<_, _>>()?,
        deadline: step.deadline_ms.map(millis),
        otherwise: otherwise.collect::<Result<_, Problem>>()?,
    })
}

/// The pool of this name, or what to say at `key`.
pub(super) fn pool_index(
    routing: &Routing,
    name: Option<&str>,
    key: &str,
) -> Result<usize, Problem> {
    routing.pool_index(name).ok_or_else(|| {
        let name = name.unwrap_or_default();
        let pools = routing.pools();
        let names = list(pools.iter().map(|pool| pool.name.as_str()));
        Problem::new(
            key,
            format!("there is no [[routing.pool]] named `{name}`; {names}"),
        )
    })
}

fn pool(pool: &Pool) -> client::Pool {
    let (failures, eject) = (&pool.on_failure, &pool.eject);
    client::Pool {
        name: pool.name.as_str().into(),
        choose: match pool.choose {
            pools::Choose::LeastInFlight => client::Choose::LeastInFlight,
            pools::Choose::StickyByCall => client::Choose::StickyByCall,
        },
        max_in_flight: pool.max_in_flight,
        share: pool.share,
        hedge: pool.hedge,
        on_failure: client::FailureTable {
            refused: failures.refused.into(),
            timeout: failures.timeout.into(),
            http_4xx: failures.http_4xx.into(),
            http_5xx: failures.http_5xx.into(),
            invalid: failures.invalid.into(),
            error: failures.error.into(),
        },
        eject: client::Eject {
            failures: eject.failures,
            slower_than: eject.slower_than_ms.map(millis),
            pause: millis(eject.pause_ms),
            max_pause: millis(eject.max_pause_ms),
        },
    }
}

impl From<pools::OnFailure> for client::OnFailure {
    fn from(then: pools::OnFailure) -> Self {
        match then {
            pools::OnFailure::Next => Self::Next,
            pools::OnFailure::Retry => Self::Retry,
            pools::OnFailure::Otherwise => Self::Otherwise,
            pools::OnFailure::Refuse => Self::Refuse,
        }
    }
}

fn member(routing: &Routing, it: &Application, key: &str) -> Result<client::Member, Problem> {
    Ok(client::Member {
        name: it.name.as_str().into(),
        pool: pool_index(routing, it.pool.as_deref(), &format!("{key}.pool"))?,
        weight: it.weight,
        canary: it.canary,
        shadow: it.shadow,
        max_in_flight: it.max_in_flight,
        draining: it.draining,
        dial: dial(it, key)?,
    })
}

fn dial(it: &Application, key: &str) -> Result<Option<client::Dial>, Problem> {
    let Some(url) = &it.url else {
        return Ok(None);
    };
    let wrong = |(field, message): Unspeakable| Problem::new(format!("{key}.{field}"), message);
    Ok(Some(client::Dial {
        endpoint: endpoint("url", url).map_err(wrong)?,
        dialect: dial_dialect(it).map_err(wrong)?,
        token: it.token.clone().map(client::Token::new),
        tls: it.tls.as_ref().map(ClientTls::client).unwrap_or_default(),
        notify: match &it.notify_url {
            Some(url) => Some(endpoint("notify_url", url).map_err(wrong)?),
            None => None,
        },
    }))
}

impl Application {
    /// How it is dialled; nothing where it dials in.
    pub(crate) fn way(&self) -> Result<Option<client::Dial>, Problem> {
        dial(self, "application")
    }
}

/// The address in `field`.
pub(super) fn endpoint(field: &'static str, url: &str) -> Result<client::Endpoint, Unspeakable> {
    url.parse()
        .map_err(|error: client::InvalidEndpoint| (field, error.to_string()))
}

impl Config {
    /// How applications dial in at listener `index`.
    pub(crate) fn accept(
        &self,
        index: usize,
        it: &RoutingListen,
    ) -> Result<client::Accept, Problem> {
        let key = |field: &str| format!("routing.listen[{index}].{field}");
        let wrong = |(field, message): Unspeakable| Problem::new(key(field), message);
        let pool = pool_index(&self.routing, it.pool.as_deref(), &key("pool"))?;
        let pools = self.routing.pools();
        let tls = it.tls.as_ref().map(ServerTls::server).transpose();
        Ok(client::Accept {
            transport: match it.transport {
                RoutingTransport::Tcp => client::AcceptTransport::Tcp,
                RoutingTransport::Websocket => client::AcceptTransport::WebSocket,
            },
            dialect: accept_dialect(it).map_err(wrong)?,
            pool: pools
                .get(pool)
                .map_or(DEFAULT, |pool| pool.name.as_str())
                .into(),
            token: it.token.clone().map(client::Token::new),
            tls: tls.map_err(|error| Problem::new(key("tls"), error.to_string()))?,
        })
    }
}

/// What is spoken on a routing listener, or which field is wrong and why.
pub(super) fn accept_dialect(it: &RoutingListen) -> Result<client::Dialect, Unspeakable> {
    spoken(&Spoken {
        dialect: it.dialect,
        template: it.template.as_deref(),
        framing: it.framing,
        paths: it.paths.as_ref(),
        cgrates: it.cgrates.as_ref(),
        drachtio: None,
        wazo: None,
    })
}

/// What is spoken with an application that the proxy dials, or which field is wrong and why.
pub(super) fn dial_dialect(it: &Application) -> Result<client::Dialect, Unspeakable> {
    spoken(&Spoken {
        dialect: it.dialect,
        template: it.template.as_deref(),
        framing: it.framing,
        paths: it.paths.as_ref(),
        cgrates: it.cgrates.as_ref(),
        drachtio: it.drachtio.as_ref(),
        wazo: it.wazo.as_ref(),
    })
}

/// A dialect with all that may be set about it.
struct Spoken<'a> {
    dialect: Dialect,
    template: Option<&'a str>,
    framing: Option<Framing>,
    paths: Option<&'a AnswerPaths>,
    cgrates: Option<&'a Cgrates>,
    drachtio: Option<&'a Drachtio>,
    wazo: Option<&'a Wazo>,
}

fn spoken(it: &Spoken<'_>) -> Result<client::Dialect, Unspeakable> {
    stray_table(it)?;
    match it.dialect {
        Dialect::Native => {
            let framing = it.framing.map(Into::into);
            Ok(client::Dialect::Native(client::NativeDialect { framing }))
        }
        Dialect::Kamailio | Dialect::Evapi => {
            let preset = client::EvapiDialect::kamailio();
            evapi(preset, it.template, it.framing, it.paths)
        }
        Dialect::Cgrates => {
            let mut cgrates = it.cgrates.cloned().unwrap_or_default().dialect()?;
            cgrates.framing = it.framing.map_or(cgrates.framing, Into::into);
            Ok(cgrates.into())
        }
        Dialect::Wazo => {
            let wazo = it.wazo.cloned().unwrap_or_default();
            Ok(client::Dialect::Wazo(wazo.dialect()?))
        }
        Dialect::Drachtio => {
            let drachtio = it.drachtio.cloned().unwrap_or_default();
            Ok(client::Dialect::Drachtio(drachtio.dialect()))
        }
    }
}

/// Refuses the settings of a dialect that is not spoken.
fn stray_table(it: &Spoken<'_>) -> Result<(), Unspeakable> {
    let tables = [
        (Dialect::Cgrates, it.cgrates.is_some()),
        (Dialect::Drachtio, it.drachtio.is_some()),
        (Dialect::Wazo, it.wazo.is_some()),
    ];
    let stray = tables
        .into_iter()
        .find(|(dialect, set)| *set && *dialect != it.dialect);
    match stray {
        Some((dialect, _)) => {
            let name = dialect.name();
            Err((name, format!("is for dialect = \"{name}\"; leave it out")))
        }
        None => Ok(()),
    }
}

fn evapi(
    mut dialect: client::EvapiDialect,
    template: Option<&str>,
    framing: Option<Framing>,
    paths: Option<&AnswerPaths>,
) -> Result<client::Dialect, Unspeakable> {
    let wrong = |error: client::TemplateError| ("template", error.to_string());
    if let Some(template) = template {
        dialect.template = template.parse().map_err(wrong)?;
    }
    if let Some(paths) = paths {
        set_path(&mut dialect.index_path, paths.index.as_deref());
        set_path(&mut dialect.label_path, paths.label.as_deref());
        set_path(&mut dialect.document_path, paths.document.as_deref());
    }
    if let Some(framing) = framing {
        dialect.framing = framing.into();
    }
    Ok(client::Dialect::Evapi(dialect.into()))
}

fn set_path(path: &mut client::Path, text: Option<&str>) {
    if let Some(text) = text {
        *path = text.into();
    }
}

impl From<Framing> for client::Framing {
    fn from(framing: Framing) -> Self {
        match framing {
            Framing::Lines => Self::Lines,
            Framing::Netstring => Self::Netstring,
            Framing::Raw => Self::Raw,
        }
    }
}

fn millis(ms: u32) -> Duration {
    Duration::from_millis(ms.into())
}
