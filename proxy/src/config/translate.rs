//! From what the operator wrote to what engine, parser and routing client take.

use std::time::Duration;

use routing_api_client as client;
use tidegate_schemas::RouteDocument;

use super::error::Problem;
use super::listen::SipTransport;
use super::{Config, Listen, treatments};

impl Config {
    /// The engine's configuration, with the listeners where the configuration has them.
    ///
    /// # Errors
    /// When a document can't be read or executed, or a rule names what does not exist.
    pub fn engine(&self) -> Result<tidegate_engine::Config, Problem> {
        let mut engine = self.engine_without_documents();
        engine.fallback = fallback(self, &engine)?;
        engine.rules = treatments::rules(self, &engine)?;
        Ok(engine)
    }

    pub(crate) fn engine_without_documents(&self) -> tidegate_engine::Config {
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
        engine
            .decision_header
            .clone_from(&self.routing.decision_header);
        engine.record_route = sip.record_route;
        engine.follow_redirects = sip.follow_redirects;
        engine.max_forwards = sip.max_forwards;
        engine.max_breadth = sip.max_breadth;
        engine.udp_limit = sip.udp_limit;
        engine.min_session_expires = sip.min_se;
        engine.max_transactions = limits.max_transactions;
        engine.max_targets = limits.max_targets;
        engine.max_rounds = limits.max_rounds;
        engine.calls = tidegate_engine::CallSettings {
            max_calls: self.calls.max_calls,
            probe_ms: match self.calls.probe_s {
                0 => None,
                seconds => Some(seconds.saturating_mul(1000)),
            },
        };
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
            notify_queue: self.calls.notify_queue,
            notify_bytes: self.calls.notify_bytes,
            notify_keep: Duration::from_secs(self.calls.notify_keep_s.into()),
            ack_timeout: Duration::from_millis(self.calls.ack_timeout_ms.into()),
            ..client::Settings::default()
        }
    }
}

/// The fallback document, once it is known that it can be executed.
pub(super) fn fallback(
    config: &Config,
    engine: &tidegate_engine::Config,
) -> Result<Option<RouteDocument>, Problem> {
    config.routing.fallback.read("routing.fallback", engine)
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
