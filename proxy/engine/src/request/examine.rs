//! Validation of a request by a proxy (RFC 3261 section 16.3), in the order given there.

use tidegate_sip::{Message, Method, Name, Scheme, Uri, View};

use super::route_info::RouteInfo;
use super::{loops, route_info, session_timer};
use crate::address::Source;
use crate::context::{Request, SessionEdit};
use crate::core::Core;
use crate::plan::Labels;
use crate::reply::LocalReply;

/// What was learnt while validating.
pub(crate) struct Admission {
    route: RouteInfo,
    loop_hash: u64,
    breadth: u32,
    session: SessionEdit,
}

impl Admission {
    /// For a request that is refused at once.
    pub(crate) fn refused() -> Self {
        Self {
            route: RouteInfo::default(),
            loop_hash: 0,
            breadth: 0,
            session: SessionEdit::Leave,
        }
    }

    pub(crate) fn into_request(self, message: Message) -> Box<Request> {
        Box::new(Request {
            message,
            route: self.route,
            loop_hash: self.loop_hash,
            breadth: self.breadth,
            session: self.session,
            tier: Box::default(),
            chain: 0,
            rounds: 0,
            context: None,
            labels: Labels::default(),
            attempts: Vec::new(),
            rang: None,
            answer: None,
        })
    }
}

pub(crate) fn examine(
    core: &mut Core,
    source: &Source,
    view: View<'_>,
) -> Result<Admission, LocalReply> {
    let uri = request_uri(view)?;
    max_forwards(view)?;
    let loop_hash = loops::hash(&core.codec, view);
    if loops::is_loop(&core.codec, view, loop_hash) {
        core.stats.loops += 1;
        return Err(LocalReply::of(482, "Loop Detected"));
    }
    proxy_require(view)?;
    let session = session_timer::check(core.config.min_session_expires, view)?;
    let route = route_info::preprocess(&core.own, source, view, &uri);
    Ok(Admission {
        route,
        loop_hash,
        breadth: breadth(core, view)?,
        session,
    })
}

/// 16.3 step 2: 416 for a scheme that is not understood.
fn request_uri<'a>(view: View<'a>) -> Result<Uri<'a>, LocalReply> {
    let uri =
        Uri::parse(view.request_uri()).map_err(|_| LocalReply::of(400, "Malformed Request-URI"))?;
    match uri.scheme {
        Scheme::Sip | Scheme::Sips | Scheme::Tel => Ok(uri),
        Scheme::Other => Err(LocalReply::of(416, "Unsupported URI Scheme")),
    }
}

/// 16.3 step 3.
fn max_forwards(view: View<'_>) -> Result<(), LocalReply> {
    match view.max_forwards() {
        Some(Ok(0)) => Err(LocalReply::of(483, "Too Many Hops")),
        Some(Err(_)) => Err(LocalReply::of(400, "Malformed Max-Forwards")),
        Some(Ok(_)) | None => Ok(()),
    }
}

/// 16.3 step 5: this proxy understands no option tag that it has to act on.
fn proxy_require(view: View<'_>) -> Result<(), LocalReply> {
    let mut unsupported = Vec::new();
    for token in view.tokens(Name::ProxyRequire) {
        if !unsupported.is_empty() {
            unsupported.extend_from_slice(b", ");
        }
        unsupported.extend_from_slice(token);
    }
    if unsupported.is_empty() || view.method() == Method::Cancel {
        return Ok(());
    }
    Err(LocalReply::of(420, "Bad Extension").with_header("Unsupported", unsupported))
}

/// RFC 5393 section 5.3.3: the breadth this request may be forked with, no more than allowed here.
fn breadth(core: &Core, view: View<'_>) -> Result<u32, LocalReply> {
    let Some(field) = view.field(Name::MaxBreadth) else {
        return Ok(core.config.max_breadth);
    };
    let number = std::str::from_utf8(field.value)
        .ok()
        .and_then(|text| text.parse().ok());
    let number: u32 = number.ok_or_else(|| LocalReply::of(400, "Malformed Max-Breadth"))?;
    Ok(number.min(core.config.max_breadth))
}
