//! The document's changes to the headers of one branch.

use smallvec::SmallVec;
use tidegate_sip::{Edits, NameAddr, Span, View};

use crate::plan::{HeaderPlan, IdentityPlan};

/// Writes the changes down: what is removed or set goes away, what is set, appended and extra
/// follows the headers that stay, in this order.
pub(crate) fn edit(view: View<'_>, plan: &HeaderPlan, edits: &mut Edits) {
    take_away(view, plan, edits);
    if !plan.set.is_empty() || !plan.append.is_empty() || !plan.extra.is_empty() {
        edits.insert_with(view.headers_end(), |text| {
            for (name, value) in plan.set.iter().chain(&plan.append) {
                write_line(name, value, text);
            }
            text.extend_from_slice(&plan.extra);
        });
    }
    if let (Some(identity), Ok(from)) = (&plan.from, view.from()) {
        rewrite(&from, identity, edits);
    }
    if let (Some(identity), Ok(to)) = (&plan.to, view.to()) {
        rewrite(&to, identity, edits);
    }
}

/// The part of a From or To before its parameters: display name and URI.
pub(crate) fn identity_span(address: &NameAddr<'_>) -> Span {
    let end = address
        .params
        .into_iter()
        .next()
        .map_or(address.span.end, |param| param.span.start);
    Span {
        start: address.span.start,
        end,
    }
}

fn take_away(view: View<'_>, plan: &HeaderPlan, edits: &mut Edits) {
    let mut gone: SmallVec<[u32; 8]> = SmallVec::new();
    for name in plan
        .remove
        .iter()
        .chain(plan.set.iter().map(|(name, _)| name))
    {
        for field in view.fields_named(name) {
            if !gone.contains(&field.line.start) {
                gone.push(field.line.start);
                edits.remove(field.line);
            }
        }
    }
}

fn write_line(name: &str, value: &str, text: &mut Vec<u8>) {
    text.extend_from_slice(name.as_bytes());
    text.extend_from_slice(b": ");
    text.extend_from_slice(value.as_bytes());
    text.extend_from_slice(b"\r\n");
}

fn rewrite(address: &NameAddr<'_>, identity: &IdentityPlan, edits: &mut Edits) {
    edits.replace_with(identity_span(address), |text| {
        if let Some(display) = identity.display.as_deref().or(address.display) {
            text.extend_from_slice(display);
            text.push(b' ');
        }
        text.push(b'<');
        text.extend_from_slice(identity.uri.as_deref().unwrap_or(address.uri));
        text.push(b'>');
    });
}
