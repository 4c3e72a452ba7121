//! The document's changes to the headers of one branch.

use smallvec::SmallVec;
use tidegate_sip::{Edits, NameAddr, Span, View};

use crate::alias::{Alias, Aliases, Restored};
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

/// Says what decided, and that nobody else did.
pub(crate) fn tell_decision(
    view: View<'_>,
    name: &str,
    decided_by: &str,
    plan: Option<&HeaderPlan>,
    edits: &mut Edits,
) {
    let is_gone =
        plan.is_some_and(|plan| names_gone(plan).any(|gone| gone.eq_ignore_ascii_case(name)));
    for field in view.fields_named(name).filter(|_| !is_gone) {
        edits.remove(field.line);
    }
    if !decided_by.is_empty() {
        edits.insert_with(view.headers_end(), |text| {
            text.extend_from_slice(name.as_bytes());
            text.extend_from_slice(b": ");
            text.extend_from_slice(&printable(decided_by));
            text.extend_from_slice(b"\r\n");
        });
    }
}

/// An application chooses its own name, and it goes into a header.
pub(crate) fn printable(text: &str) -> Vec<u8> {
    let is_printable = |byte: &u8| (b' '..=b'~').contains(byte);
    let byte = |c: char| u8::try_from(c).ok().filter(is_printable).unwrap_or(b'?');
    text.chars().map(byte).collect()
}

fn names_gone(plan: &HeaderPlan) -> impl Iterator<Item = &str> {
    let set = plan.set.iter().map(|(name, _)| name);
    plan.remove.iter().chain(set).map(AsRef::as_ref)
}

fn take_away(view: View<'_>, plan: &HeaderPlan, edits: &mut Edits) {
    let mut gone: SmallVec<[u32; 8]> = SmallVec::new();
    for name in names_gone(plan) {
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
        write_identity(address, identity, text);
    });
}

fn write_identity(address: &NameAddr<'_>, identity: &IdentityPlan, text: &mut Vec<u8>) {
    if let Some(display) = identity.display.as_deref().or(address.display) {
        text.extend_from_slice(display);
        text.push(b' ');
    }
    text.push(b'<');
    text.extend_from_slice(identity.uri.as_deref().unwrap_or(address.uri));
    text.push(b'>');
}

/// What the two sides of the dialog will know each other by.
pub(crate) fn aliases(view: View<'_>, plan: &HeaderPlan) -> Option<Aliases> {
    let alias = |address: Option<NameAddr<'_>>, identity: &Option<IdentityPlan>| {
        let (address, identity) = (address?, identity.as_ref()?);
        let mut shown = Vec::new();
        write_identity(&address, identity, &mut shown);
        Some(Alias {
            original: identity_span(&address).of(view.bytes()).into(),
            shown: shown.into(),
        })
    };
    let from = alias(view.from().ok(), &plan.from);
    let to = alias(view.to().ok(), &plan.to);
    Aliases::new(view, from, to)
}

/// Shows the From and To that the other side of the dialog knows, unless the document has others.
pub(crate) fn restore(
    view: View<'_>,
    restored: &Restored,
    plan: Option<&HeaderPlan>,
    edits: &mut Edits,
) {
    let mut put = |address: Option<NameAddr<'_>>, known: &Option<Box<[u8]>>, overruled: bool| {
        if let (Some(address), Some(known), false) = (address, known, overruled) {
            edits.replace(identity_span(&address), known);
        }
    };
    let overrules = |identity: fn(&HeaderPlan) -> bool| plan.is_some_and(identity);
    put(
        view.from().ok(),
        &restored.from,
        overrules(|plan| plan.from.is_some()),
    );
    put(
        view.to().ok(),
        &restored.to,
        overrules(|plan| plan.to.is_some()),
    );
}
