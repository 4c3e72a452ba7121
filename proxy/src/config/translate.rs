//! From what the operator wrote to what engine, parser and routing client take.

use std::time::Duration;

use routing_api_client as client;
use tidegate_schemas::RouteDocument;
use tidegate_schemas::document::DocumentError;

use super::error::Problem;
use super::listen::SipTransport;
use super::routing::{self, RoutingListen};
use super::{Config, Listen};

impl Config {
    /// The engine's configuration, with the listeners where the configuration has them.
    ///
    /// # Errors
    /// When the fallback document can't be read or executed.
    pub fn engine(&self) -> Result<tidegate_engine::Config, Problem> {
        let mut engine = self.engine_without_fallback();
        engine.fallback = fallback(self)?;
        Ok(engine)
    }

    fn engine_without_fallback(&self) -> tidegate_engine::Config {
        let listeners = self.listen.iter().map(listener).collect();
        let (sip, limits, timers) = (&self.sip, &self.sip.limits, &self.sip.timers);
        let mut engine = tidegate_engine::Config::new(listeners);
        engine.node.clone_from(&self.node);
        engine.domains = sip
            .domains
            .iter()
            .map(|domain| domain.to_ascii_lowercase())
            .collect();
        engine.timers = tidegate_engine::Timers {
            t1: timers.t1,
            t2: timers.t2,
            t4: timers.t4,
            timer_c: timers.timer_c,
            fr_timer: timers.fr_timer,
            fr_inv_timer: timers.fr_inv_timer,
        };
        engine.deadline_ms = self.routing.deadline_ms;
        engine.retry_after_s = self.routing.retry_after_s;
        engine.include_body = self.routing.include_body;
        engine.record_route = sip.record_route;
        engine.follow_redirects = sip.follow_redirects;
        engine.max_forwards = sip.max_forwards;
        engine.max_breadth = sip.max_breadth;
        engine.udp_limit = sip.udp_limit;
        engine.min_session_expires = sip.min_se;
        engine.max_transactions = limits.max_transactions;
        engine.max_targets = limits.max_targets;
        engine.max_rounds = limits.max_rounds;
        engine
    }

    /// What the parser lets through.
    #[must_use]
    pub fn message_limits(&self) -> tidegate_sip::Limits {
        let limits = &self.sip.limits;
        tidegate_sip::Limits {
            max_headers: limits.max_headers,
            max_message: limits.max_message,
            max_line: limits.max_line,
        }
    }

    /// How applications are asked. `instance` differs from one start to the next.
    #[must_use]
    pub fn client_settings(&self, instance: u32) -> client::Settings {
        client::Settings {
            node: self.node.clone(),
            instance,
            deadline: Duration::from_millis(self.routing.deadline_ms.into()),
            max_frame: self.routing.max_frame,
            max_in_flight: self.routing.max_in_flight,
            token: self.routing.token.clone().map(client::Token::new),
            ..client::Settings::default()
        }
    }
}

/// The fallback document, once it is known that it can be executed.
pub(super) fn fallback(config: &Config) -> Result<Option<RouteDocument>, Problem> {
    let fallback = &config.routing.fallback;
    if let Some(document) = &fallback.document {
        let read = read_document(config, document.to_string().as_bytes());
        return read.map(Some).map_err(|error| {
            Problem::new(
                "routing.fallback.document",
                format!("can't be executed: {error}"),
            )
        });
    }
    let Some(file) = &fallback.document_file else {
        return Ok(None);
    };
    let wrong = |what: String| {
        Problem::new(
            "routing.fallback.document_file",
            format!("{} {what}", file.display()),
        )
    };
    let json = std::fs::read(file).map_err(|error| wrong(format!("can't be read: {error}")))?;
    let document = read_document(config, &json);
    document
        .map(Some)
        .map_err(|error| wrong(format!("can't be executed: {error}")))
}

fn read_document(config: &Config, json: &[u8]) -> Result<RouteDocument, DocumentError> {
    let document = RouteDocument::from_json(json)?;
    config.engine_without_fallback().check_document(&document)?;
    Ok(document)
}

/// The engine's view of a listener, which `advertise` overrides.
pub(crate) fn listener(listen: &Listen) -> tidegate_engine::Listener {
    let transport = match listen.transport {
        SipTransport::Udp => tidegate_engine::Transport::Udp,
        SipTransport::Tcp => tidegate_engine::Transport::Tcp,
    };
    let mut listener = tidegate_engine::Listener::new(transport, listen.address);
    if let Some(advertise) = &listen.advertise {
        listener.host.clone_from(&advertise.host);
        listener.port = advertise.port.unwrap_or(listener.port);
    }
    listener
}

/// What is spoken on a routing listener, or which field is wrong and why.
pub(crate) fn dialect(listen: &RoutingListen) -> Result<client::Dialect, (&'static str, String)> {
    match listen.dialect {
        routing::Dialect::Native => Ok(client::Dialect::Native(client::NativeDialect::default())),
        routing::Dialect::Kamailio | routing::Dialect::Evapi => {
            evapi(listen).map(|dialect| client::Dialect::Evapi(dialect.into()))
        }
    }
}

fn evapi(listen: &RoutingListen) -> Result<client::EvapiDialect, (&'static str, String)> {
    let wrong = |error: client::TemplateError| ("template", error.to_string());
    let mut dialect = client::EvapiDialect::kamailio();
    if let Some(template) = &listen.template {
        dialect.template = template.parse().map_err(wrong)?;
    }
    if let Some(paths) = &listen.paths {
        set_path(&mut dialect.index_path, paths.index.as_deref());
        set_path(&mut dialect.label_path, paths.label.as_deref());
        set_path(&mut dialect.document_path, paths.document.as_deref());
    }
    if let Some(framing) = listen.framing {
        dialect.framing = framing.into();
    }
    Ok(dialect)
}

fn set_path(path: &mut client::Path, text: Option<&str>) {
    if let Some(text) = text {
        *path = text.into();
    }
}

impl From<routing::Framing> for client::Framing {
    fn from(framing: routing::Framing) -> Self {
        match framing {
            routing::Framing::Lines => Self::Lines,
            routing::Framing::Netstring => Self::Netstring,
        }
    }
}
