//! Whether and how the proxy stays on the path (RFC 3261 section 16.6 step 4, RFC 5658).

use smallvec::SmallVec;
use tidegate_sip::{Method, Scheme, Uri, View};

use crate::address::{ListenerId, Transport};
use crate::alias::Aliases;
use crate::config::Config;
use crate::context::Request;
use crate::core::Core;

/// Listeners that name this proxy in Record-Route, topmost first.
pub(crate) type RecordRoutes = SmallVec<[ListenerId; 2]>;

/// One value where the request, which is for `uri`, leaves by the listener it came by, two where
/// the interface or the transport changes: the callee's side on top.
pub(crate) fn record_routes(
    config: &Config,
    request: &Request,
    uri: &[u8],
    wanted: Option<bool>,
    came_by: ListenerId,
    leaves_by: ListenerId,
) -> RecordRoutes {
    let mut routes = RecordRoutes::new();
    let view = request.message.view();
    if !forms_dialog(view) || !(wanted.unwrap_or(config.record_route) || is_sips(uri)) {
        return routes;
    }
    routes.push(leaves_by);
    if came_by != leaves_by {
        routes.push(came_by);
    }
    routes
}

/// Writes one Record-Route line.
pub(crate) fn write(
    core: &Core,
    id: ListenerId,
    sips: bool,
    aliases: Option<&Aliases>,
    to: &mut Vec<u8>,
) {
    let Some(listener) = core.config.listener(id) else {
        return;
    };
    to.extend_from_slice(b"Record-Route: <");
    to.extend_from_slice(if sips { b"sips:" } else { b"sip:" });
    to.extend_from_slice(core.sent_by(id).as_bytes());
    let is_default = if sips { Transport::Tls } else { Transport::Udp };
    if listener.transport != is_default {
        to.extend_from_slice(b";transport=");
        to.extend_from_slice(listener.transport.name().as_bytes());
    }
    if let Some(aliases) = aliases {
        aliases.write(to);
    }
    to.extend_from_slice(b";lr>\r\n");
}

/// A request outside a dialog with a method that may create one.
fn forms_dialog(view: View<'_>) -> bool {
    let creates = matches!(
        view.method(),
        Method::Invite | Method::Subscribe | Method::Refer | Method::Notify
    );
    creates && view.to().ok().and_then(|to| to.tag()).is_none()
}

/// RFC 3261 section 26.2.1: with a `sips` Request-URI the path has to be recorded.
pub(crate) fn is_sips(uri: &[u8]) -> bool {
    Uri::parse(uri).is_ok_and(|uri| uri.scheme == Scheme::Sips)
}
