//! One copy of a request, ready to leave (RFC 3261 section 16.6 steps 1 to 9).

use bytes::Bytes;
use smallvec::SmallVec;
use tidegate_sip::build::{ViaStamp, stamp_via};
use tidegate_sip::{Edits, Name, Span, Uri, View, remove_values};

use super::headers;
use super::record_route::{self, RecordRoutes};
use crate::address::Hop;
use crate::alias::Aliases;
use crate::branch::{BranchHandle, LoopHash};
use crate::context::SessionEdit;
use crate::core::Core;
use crate::plan::Target;
use crate::request::route_info::RouteInfo;
use crate::request::session_timer;

/// What goes into a copy.
pub(crate) struct Copy<'a> {
    pub(crate) view: View<'a>,
    pub(crate) route: &'a RouteInfo,
    pub(crate) stamp: ViaStamp,
    pub(crate) hop: &'a Hop,
    pub(crate) identity: CopyIdentity,
    pub(crate) target: Option<&'a Target>,
    pub(crate) record_routes: RecordRoutes,
    /// What goes into the first of them.
    pub(crate) aliases: Option<Aliases>,
    /// Max-Breadth of this branch, where it has to be written.
    pub(crate) breadth: Option<u32>,
    pub(crate) session: SessionEdit,
    /// What decided, for the header that tells it.
    pub(crate) decided_by: &'a str,
}

/// What the branch parameter names.
pub(crate) enum CopyIdentity {
    Branch(BranchHandle, u64),
    Stateless,
}

/// The edits contradict each other; no copy can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CopyFailed;

impl<'a> Copy<'a> {
    /// A copy that no transaction remembers (RFC 3261 section 16.11).
    pub(crate) fn stateless(
        view: View<'a>,
        route: &'a RouteInfo,
        stamp: ViaStamp,
        hop: &'a Hop,
    ) -> Self {
        Self {
            view,
            route,
            stamp,
            hop,
            identity: CopyIdentity::Stateless,
            target: None,
            record_routes: RecordRoutes::new(),
            aliases: None,
            breadth: None,
            session: SessionEdit::Leave,
            decided_by: "",
        }
    }

    pub(crate) fn write(&self, core: &mut Core) -> Result<Bytes, CopyFailed> {
        let mut edits = std::mem::take(&mut core.edits);
        edits.clear();
        self.edit(core, &mut edits);
        core.buffer.clear();
        let applied = edits.apply(self.view.bytes(), &mut core.buffer);
        core.edits = edits;
        applied.map_err(|_| CopyFailed)?;
        Ok(Bytes::copy_from_slice(&core.buffer))
    }

    fn edit(&self, core: &Core, edits: &mut Edits) {
        let strict = self.strict_router();
        self.edit_request_uri(strict.as_deref(), edits);
        self.edit_top(core, strict.is_some(), edits);
        stamp_via(self.view, self.stamp, edits);
        self.edit_max_forwards(core, edits);
        self.edit_routes(strict.is_some(), edits);
        self.edit_breadth(edits);
        self.edit_session(edits);
        if let Some(name) = &core.config.decision_header {
            let plan = self.target.and_then(|target| target.headers.as_deref());
            headers::tell_decision(self.view, name, self.decided_by, plan, edits);
        }
        let plan = self.target.and_then(|target| target.headers.as_deref());
        if let Some(plan) = plan {
            headers::edit(self.view, plan, edits);
        }
        if let Some(restored) = &self.route.restored {
            headers::restore(self.view, restored, plan, edits);
        }
        self.edit_content_length(edits);
    }

    /// The URI that the copy is for, before a strict router takes its place.
    fn uri(&self) -> &[u8] {
        let target = self.target.and_then(|target| target.uri.as_deref());
        target.unwrap_or_else(|| self.route.request_uri(self.view))
    }

    fn path(&self) -> Option<&[u8]> {
        self.target.and_then(|target| target.path.as_deref())
    }

    /// Step 6: the first Route value, when it has no `lr`.
    fn strict_router(&self) -> Option<Box<[u8]>> {
        if self.path().is_some() || self.route.routes_left == 0 {
            return None;
        }
        let first = self.view.routes().nth(self.route.own_routes)?.ok()?;
        let uri = Uri::parse(first.uri).ok()?;
        (!uri.has_lr()).then(|| first.uri.into())
    }

    /// Steps 2 and 6.
    fn edit_request_uri(&self, strict: Option<&[u8]>, edits: &mut Edits) {
        let uri = strict.unwrap_or_else(|| self.uri());
        if uri != self.view.request_uri() {
            edits.replace(self.view.request_uri_span(), uri);
        }
    }

    /// Steps 4 and 8: our Via, then Record-Route and the document's path, above all that is there.
    fn edit_top(&self, core: &Core, strict: bool, edits: &mut Edits) {
        edits.insert_with(self.view.start_line_end(), |text| {
            self.write_via(core, text);
            let sips = !self.record_routes.is_empty() && record_route::is_sips(self.uri());
            for (index, id) in self.record_routes.iter().enumerate() {
                let aliases = self.aliases.as_ref().filter(|_| index == 0);
                record_route::write(core, *id, sips, aliases, text);
            }
            if let Some(path) = self.path() {
                text.extend_from_slice(b"Route: ");
                text.extend_from_slice(path);
                text.extend_from_slice(b"\r\n");
            }
        });
        if strict && let Some(last) = self.view.fields(Name::Route).last() {
            edits.insert_with(last.line.end, |text| {
                text.extend_from_slice(b"Route: <");
                text.extend_from_slice(self.uri());
                text.extend_from_slice(b">\r\n");
            });
        }
    }

    fn write_via(&self, core: &Core, text: &mut Vec<u8>) {
        text.extend_from_slice(b"Via: SIP/2.0/");
        text.extend_from_slice(self.hop.transport.via_name().as_bytes());
        text.push(b' ');
        text.extend_from_slice(core.sent_by(self.hop.listener).as_bytes());
        text.extend_from_slice(b";branch=");
        match &self.identity {
            CopyIdentity::Branch(handle, loop_hash) => core.codec.encode(handle, *loop_hash, text),
            CopyIdentity::Stateless => {
                core.codec.encode_stateless(seed(core, self.view), 0, text);
            }
        }
        text.extend_from_slice(b"\r\n");
    }

    /// Step 3.
    fn edit_max_forwards(&self, core: &Core, edits: &mut Edits) {
        match (self.view.max_forwards(), self.view.field(Name::MaxForwards)) {
            (Some(Ok(hops)), Some(field)) => edits.replace_with(field.value_span, |text| {
                write_number(text, hops.saturating_sub(1));
            }),
            _ => edits.insert_with(self.view.start_line_end(), |text| {
                text.extend_from_slice(b"Max-Forwards: ");
                write_number(text, u32::from(core.config.max_forwards));
                text.extend_from_slice(b"\r\n");
            }),
        }
    }

    /// 16.4 and step 6: values of ours, the one that became the Request-URI, a strict router's.
    fn edit_routes(&self, strict: bool, edits: &mut Edits) {
        let front = self.route.own_routes + usize::from(strict);
        let back = usize::from(self.route.moved_last);
        if front + back > 0 {
            let spans = self
                .view
                .routes()
                .filter_map(Result::ok)
                .map(|route| route.span);
            let all: SmallVec<[Span; 8]> = spans.collect();
            let keep = front..all.len().saturating_sub(back).max(front);
            let gone = all
                .iter()
                .enumerate()
                .filter(|(index, _)| !keep.contains(index));
            let gone: SmallVec<[Span; 4]> = gone.map(|(_, span)| *span).collect();
            remove_values(self.view, edits, &gone);
        }
    }

    /// RFC 5393 section 5.3.3.
    fn edit_breadth(&self, edits: &mut Edits) {
        let Some(breadth) = self.breadth else { return };
        match self.view.field(Name::MaxBreadth) {
            Some(field) => edits.replace_with(field.value_span, |text| write_number(text, breadth)),
            None => edits.insert_with(self.view.headers_end(), |text| {
                text.extend_from_slice(b"Max-Breadth: ");
                write_number(text, breadth);
                text.extend_from_slice(b"\r\n");
            }),
        }
    }

    /// RFC 4028 section 8.1: the interval is raised, its parameters stay.
    fn edit_session(&self, edits: &mut Edits) {
        let SessionEdit::Raise(minimum) = self.session else {
            return;
        };
        if let Some(field) = self.view.field(Name::SessionExpires) {
            let digits = field
                .value
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            let start = field.value_span.start;
            let end = start + u32::try_from(digits).unwrap_or(0);
            if session_timer::seconds(field.value).is_some() {
                edits.replace_with(Span { start, end }, |text| write_number(text, minimum));
            }
        }
        match self.view.field(Name::MinSe) {
            Some(field) => edits.replace_with(field.value_span, |text| write_number(text, minimum)),
            None => edits.insert_with(self.view.headers_end(), |text| {
                text.extend_from_slice(b"Min-SE: ");
                write_number(text, minimum);
                text.extend_from_slice(b"\r\n");
            }),
        }
    }

    /// Step 9: a stream needs to know where the message ends (section 18.3).
    fn edit_content_length(&self, edits: &mut Edits) {
        if !self.hop.transport.is_reliable() || self.view.field(Name::ContentLength).is_some() {
            return;
        }
        edits.insert_with(self.view.headers_end(), |text| {
            text.extend_from_slice(b"Content-Length: ");
            write_number(
                text,
                u32::try_from(self.view.body().len()).unwrap_or(u32::MAX),
            );
            text.extend_from_slice(b"\r\n");
        });
    }
}

/// The same for each repeat of a message (RFC 3261 section 16.11).
fn seed(core: &Core, view: View<'_>) -> u64 {
    let mut hash = LoopHash::new(&core.codec);
    let top = view.top_via().ok();
    hash.part(top.and_then(|via| via.branch()).unwrap_or_default());
    hash.part(view.method_raw());
    hash.part(view.call_id().unwrap_or_default());
    hash.part(view.request_uri());
    hash.finish()
}

fn write_number(text: &mut Vec<u8>, number: u32) {
    use std::io::Write as _;
    // Writing to a Vec does not fail.
    let _ = write!(text, "{number}");
}
