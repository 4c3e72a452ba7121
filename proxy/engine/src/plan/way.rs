//! Whom a target calls and by which way.

use tidegate_schemas::DocumentError;
use tidegate_schemas::document::Target as Wanted;
use tidegate_sip::Uri;

use super::Target;
use super::pointer::{At, given};
use super::uri::{self, NextHop};

/// The parts of a target that say where it goes, parsed once.
pub(super) struct Way<'d> {
    /// `None`: the request's own Request-URI.
    called: Option<Uri<'d>>,
    dst_uri: Option<NextHop<'d>>,
    path: Option<String>,
    next_hop: Option<NextHop<'d>>,
}

impl<'d> Way<'d> {
    pub(super) fn parse(wanted: &'d Wanted) -> Result<Self, DocumentError> {
        let dst_uri = given(wanted.dst_uri.as_ref()).map(NextHop::parse);
        let dst_uri = dst_uri.transpose().at("dst_uri")?;
        let path = given(wanted.path.as_ref()).map(uri::path);
        let (path, first) = path.transpose().at("path")?.unzip();
        let hop = dst_uri.or(first);
        let called = given(wanted.uri.as_ref()).map(|text| uri::called(text, hop.is_some()));
        let (called, own_hop) = called.transpose().at("uri")?.unzip();
        Ok(Self {
            called,
            dst_uri,
            path,
            next_hop: hop.or_else(|| own_hop.flatten()),
        })
    }

    /// Where the request goes first, where the document says it.
    pub(super) fn next_hop(&self) -> Option<&NextHop<'d>> {
        self.next_hop.as_ref()
    }

    pub(super) fn target(&self) -> Target {
        Target {
            uri: self.called.as_ref().map(uri::written),
            dst_uri: self.dst_uri.map(|hop| hop.uri().raw.into()),
            path: self.path.as_ref().map(|path| path.as_bytes().into()),
            ..Target::default()
        }
    }

    /// Whether both lead the same request to the same place (RFC 3261 section 16.5). `own` is the
    /// request's Request-URI.
    pub(super) fn is_same(&self, other: &Self, own: Option<&Uri<'_>>) -> bool {
        self.path == other.path
            && is_same(
                self.dst_uri.as_ref().map(NextHop::uri),
                other.dst_uri.as_ref().map(NextHop::uri),
            )
            && is_same(self.called.as_ref().or(own), other.called.as_ref().or(own))
    }
}

fn is_same(a: Option<&Uri<'_>>, b: Option<&Uri<'_>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.raw == b.raw || a.equivalent(b),
        (a, b) => a.is_none() && b.is_none(),
    }
}
