//! What is wrong with single applications and listeners.

use std::collections::HashMap;
use std::path::Path;

use routing_api_client::{Scheme, TlsError};

use super::routing::token;
use super::{Problem, at_least, names};
use crate::config::applications::{Application, RoutingListen, RoutingTransport};
use crate::config::dialects::Dialect;
use crate::config::peers::Cgrates;
use crate::config::policy::{self, Unspeakable};
use crate::config::routing::Routing;
use crate::config::tls::ClientTls;

/// All that is wrong with `routing.listen`, `routing.application` and `routing.dial`.
pub(super) fn check(routing: &Routing, found: &mut Vec<Problem>) {
    let applications = &routing.application;
    let called = applications.iter().map(|it| it.name.as_str());
    names("routing.application", called, found);
    for (i, it) in applications.iter().enumerate() {
        application(routing, it, &format!("routing.application[{i}]"), found);
    }
    dialled(routing, found);
    let mut bound = HashMap::new();
    for (i, it) in routing.listen.iter().enumerate() {
        let key = format!("routing.listen[{i}]");
        let taken = it.address.port() != 0 && bound.insert(it.address, i).is_some();
        if taken {
            let message = format!("{} is listed twice", it.address);
            found.push(Problem::new(format!("{key}.address"), message));
        }
        listener(routing, it, &key, found);
    }
    same_cgrates(&routing.listen, found);
}

/// Calls are told under the name of who authorised them, each listener its own.
fn same_cgrates(listeners: &[RoutingListen], found: &mut Vec<Problem>) {
    let mut names = HashMap::new();
    for (i, it) in listeners.iter().enumerate() {
        let default = Cgrates::default();
        let name = it.cgrates.as_ref().unwrap_or(&default).name.clone();
        let is_cgrates = it.dialect == Dialect::Cgrates;
        if is_cgrates && names.insert(name.clone(), i).is_some() {
            let message = format!("another listener has `{name}` as well; name them differently");
            found.push(Problem::new(
                format!("routing.listen[{i}].cgrates.name"),
                message,
            ));
        }
    }
}

fn dialled(routing: &Routing, found: &mut Vec<Problem>) {
    for (i, dial) in routing.dial.iter().enumerate() {
        let key = format!("routing.dial[{i}].address");
        let port = dial.address.rsplit_once(':').map(|(_, port)| port.parse());
        if !matches!(port, Some(Ok(1_u16..))) {
            let message = format!("`{}` lacks a port; write host:port", dial.address);
            found.push(Problem::new(&key, message));
            continue;
        }
        let endpoint = policy::endpoint("address", &format!("tcp://{}", dial.address));
        found.extend(
            endpoint
                .err()
                .map(|(_, message)| Problem::new(&key, message)),
        );
        let mut names = routing.application.iter().map(|it| it.name.as_str());
        let earlier = routing
            .dial
            .iter()
            .take(i)
            .any(|it| it.address == dial.address);
        if earlier || names.any(|name| name == dial.address) {
            let message = format!("`{}` is there twice; keep one of them", dial.address);
            found.push(Problem::new(key, message));
        }
    }
}

fn listener(routing: &Routing, it: &RoutingListen, key: &str, found: &mut Vec<Problem>) {
    let at = |field: &str| format!("{key}.{field}");
    found.extend(token(&at("token"), it.token.as_deref()));
    let pool = it.pool.as_deref();
    found.extend(policy::pool_index(routing, pool, &at("pool")).err());
    let stray = stray_evapi(it.dialect, it.template.is_some(), it.paths.is_some());
    let unfit = stray.or_else(|| unfit_listener(it));
    let unfit = unfit.or_else(|| policy::accept_dialect(it).err());
    found.extend(unfit.map(|(field, message)| Problem::new(at(field), message)));
    let tls = it.tls.as_ref();
    found.extend(tls.and_then(|tls| unread(&at("tls"), &tls.files(), &tls.server().err()?)));
}

fn unfit_listener(it: &RoutingListen) -> Option<Unspeakable> {
    if it.dialect.is_http() {
        let message = format!(
            "`{}` is spoken over HTTP, where the proxy asks: make it a [[routing.application]] \
             with an http:// url",
            it.dialect.name()
        );
        return Some(("dialect", message));
    }
    let websocket = it.transport == RoutingTransport::Websocket;
    if websocket && it.dialect != Dialect::Native {
        let message = format!(
            "`{}` is spoken on TCP; set transport = \"tcp\"",
            it.dialect.name()
        );
        return Some(("transport", message));
    }
    let framed = it.dialect.is_evapi();
    (it.framing.is_some() && !framed).then(|| {
        let message = "is for the dialects of evapi: what dials in natively chooses itself; leave it \
                       out";
        ("framing", message.to_owned())
    })
}

fn application(routing: &Routing, it: &Application, key: &str, found: &mut Vec<Problem>) {
    let at = |field: &str| format!("{key}.{field}");
    found.extend(token(&at("token"), it.token.as_deref()));
    found.extend(policy::pool_index(routing, it.pool.as_deref(), &at("pool")).err());
    if let Some(limit) = it.max_in_flight {
        found.extend(at_least(&at("max_in_flight"), limit.into(), 1));
    }
    if let Some(percent @ 101..) = it.canary {
        let message = format!("{percent} percent is too much; at most 100");
        found.push(Problem::new(at("canary"), message));
    }
    found.extend(unfit_shadow(it).map(|message| Problem::new(at("shadow"), message)));
    let unfit = match &it.url {
        Some(url) => unfit_url(it, url),
        None => unreached(it),
    };
    found.extend(unfit.map(|(field, message)| Problem::new(at(field), message)));
    let tls = it.tls.as_ref();
    found
        .extend(tls.and_then(|tls| unread(&at("tls"), &tls.files(), &tls.client().check().err()?)));
}

/// Why it can't be one that only looks on.
fn unfit_shadow(it: &Application) -> Option<String> {
    let percent = it.shadow?;
    let is_redirect = it
        .url
        .as_deref()
        .and_then(|url| policy::endpoint("url", url).ok())
        .is_some_and(|endpoint| endpoint.scheme == Scheme::Sip);
    let message = match percent {
        0 => "0 percent is nothing; write 1 to 100, or leave it out".to_owned(),
        101.. => format!("{percent} percent is too much; at most 100"),
        _ if it.canary.is_some() => {
            "a shadow decides nothing and a canary does; leave one of both out".to_owned()
        }
        _ if is_redirect => "a SIP redirect server is asked by the call itself and can't look on; \
                             leave it out"
            .to_owned(),
        _ => return None,
    };
    Some(message)
}

/// A file of TLS that can't be used, at its key.
fn unread(key: &str, files: &[(&str, &Path)], error: &TlsError) -> Option<Problem> {
    let field = files.iter().find(|(_, file)| *file == error.file);
    let key = field.map_or_else(|| key.to_owned(), |(field, _)| format!("{key}.{field}"));
    Some(Problem::new(key, error.to_string()))
}

/// What has no meaning for an application that dials in.
fn unreached(it: &Application) -> Option<Unspeakable> {
    let set = [
        ("dialect", it.dialect != Dialect::Native),
        ("template", it.template.is_some()),
        ("framing", it.framing.is_some()),
        ("paths", it.paths.is_some()),
        ("cgrates", it.cgrates.is_some()),
        ("drachtio", it.drachtio.is_some()),
        ("wazo", it.wazo.is_some()),
        ("token", it.token.is_some()),
        ("notify_url", it.notify_url.is_some()),
        ("tls", it.tls.is_some()),
    ];
    let (field, _) = set.into_iter().find(|(_, set)| *set)?;
    let message = "is for an application that the proxy reaches: give a `url`, or set it at the \
                   [[routing.listen]] where this one dials in";
    Some((field, message.to_owned()))
}

fn unfit_url(it: &Application, url: &str) -> Option<Unspeakable> {
    let endpoint = match policy::endpoint("url", url) {
        Ok(endpoint) => endpoint,
        Err(unfit) => return Some(unfit),
    };
    let scheme = endpoint.scheme;
    stray_evapi(it.dialect, it.template.is_some(), it.paths.is_some())
        .or_else(|| unfit_dialect(it.dialect, scheme))
        .or_else(|| unfit_channel(it, scheme))
        .or_else(|| it.tls.as_ref().and_then(half_a_key))
        .or_else(|| policy::dial_dialect(it).err())
}

/// A dialect that is not spoken over this kind of URL.
fn unfit_dialect(dialect: Dialect, scheme: Scheme) -> Option<Unspeakable> {
    if is_spoken(dialect, scheme) {
        return None;
    }
    let speakers = Dialect::ALL.into_iter();
    let speakers = speakers.filter(|it| is_spoken(*it, scheme));
    let names: Vec<_> = speakers.map(Dialect::name).collect();
    let (dialect, names) = (dialect.name(), names.join(", "));
    let message = match scheme {
        Scheme::Sip => "a SIP redirect server speaks SIP; leave it out".to_owned(),
        _ => format!(
            "`{dialect}` is not spoken over {}; write {names}",
            scheme.name()
        ),
    };
    Some(("dialect", message))
}

fn is_spoken(dialect: Dialect, scheme: Scheme) -> bool {
    match scheme {
        Scheme::Tcp | Scheme::Tls => !dialect.is_http(),
        Scheme::Http | Scheme::Https => !dialect.is_evapi(),
        Scheme::Ws | Scheme::Wss | Scheme::Sip => dialect == Dialect::Native,
    }
}

/// What has no meaning over this kind of URL.
fn unfit_channel(it: &Application, scheme: Scheme) -> Option<Unspeakable> {
    let is_http = matches!(scheme, Scheme::Http | Scheme::Https);
    let is_stream = matches!(scheme, Scheme::Tcp | Scheme::Tls);
    let wrong = |field, message: &str| Some((field, message.to_owned()));
    if it.framing.is_some() && !is_stream {
        return wrong("framing", "is for tcp and tls; leave it out");
    }
    if it.tls.is_some() && !scheme.is_secure() {
        return wrong(
            "tls",
            "is for tls, wss and https; change the url or leave it out",
        );
    }
    if it.token.is_some() && scheme == Scheme::Sip {
        return wrong("token", "is not for SIP; leave it out");
    }
    let notify = it.notify_url.as_deref()?;
    if !is_http {
        return wrong(
            "notify_url",
            "is for an application with an http url; leave it out",
        );
    }
    match policy::endpoint("notify_url", notify) {
        Ok(it) if matches!(it.scheme, Scheme::Http | Scheme::Https) => None,
        Ok(_) => wrong("notify_url", "write an http or https url"),
        Err(unfit) => Some(unfit),
    }
}

fn half_a_key(tls: &ClientTls) -> Option<Unspeakable> {
    match (&tls.certificate_file, &tls.key_file) {
        (Some(_), None) => Some((
            "tls.certificate_file",
            "its `key_file` is missing".to_owned(),
        )),
        (None, Some(_)) => Some((
            "tls.key_file",
            "its `certificate_file` is missing".to_owned(),
        )),
        _ => None,
    }
}

fn stray_evapi(dialect: Dialect, template: bool, paths: bool) -> Option<Unspeakable> {
    let set = [("template", template), ("paths", paths)];
    let (field, _) = set.into_iter().find(|(_, set)| *set)?;
    let message = "is for dialect = \"evapi\"; leave it out".to_owned();
    (dialect != Dialect::Evapi).then_some((field, message))
}
