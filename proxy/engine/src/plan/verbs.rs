//! Documents that answer the caller: `reply` and `redirect`.

use tidegate_schemas::DocumentError;
use tidegate_schemas::document::{RedirectContact, Reply};

use super::pointer::{At, given, one_line, refuse};
use super::{Labels, RedirectPlan, ReplyPlan, headers, uri};

/// The response; its labels come from the document.
pub(super) fn reply(reply: &Reply, is_invite: bool) -> Result<ReplyPlan, DocumentError> {
    let body = given(reply.body.as_ref());
    let content_type = given(reply.content_type.as_ref())
        .map(media_type)
        .transpose();
    let content_type = content_type.at("content_type")?;
    if body.is_some() && content_type.is_none() {
        return refuse("a body needs `content_type`").at("body");
    }
    let reason = given(reply.reason.as_ref())
        .map(one_line)
        .transpose()
        .at("reason")?;
    Ok(ReplyPlan {
        code: code(reply.code, is_invite).at("code")?,
        reason: reason.map(Into::into),
        headers: headers::of_reply(&reply.headers).at("headers")?,
        body: body.unwrap_or_default().as_bytes().into(),
        content_type: content_type.map(Into::into),
        labels: Labels::default(),
    })
}

/// The 302; its labels come from the document.
pub(super) fn redirect(
    contacts: &[RedirectContact],
    most: usize,
) -> Result<RedirectPlan, DocumentError> {
    if contacts.is_empty() {
        return refuse("`redirect` needs at least one contact");
    }
    if contacts.len() > most {
        return refuse(format!("more than {most} contacts"));
    }
    let mut value = String::new();
    for (index, contact) in contacts.iter().enumerate() {
        if index > 0 {
            value.push_str(", ");
        }
        write_contact(contact, &mut value).at_index(index)?;
    }
    Ok(RedirectPlan {
        contact: value.into_bytes().into(),
        labels: Labels::default(),
    })
}

/// A proxy does not answer an INVITE with 2xx: it has no session to offer.
fn code(code: u16, is_invite: bool) -> Result<u16, DocumentError> {
    let least = if is_invite { 300 } else { 200 };
    if !(least..=699).contains(&code) {
        return refuse(format!(
            "a reply to this request has a code from {least} to 699"
        ));
    }
    Ok(code)
}

fn media_type(text: &str) -> Result<&str, DocumentError> {
    let essence = one_line(text)?.split(';').next().unwrap_or_default();
    let is_name = |name: &str| !name.trim().is_empty() && !name.trim().contains([' ', '\t', ',']);
    match essence.split_once('/') {
        Some((kind, subtype)) if is_name(kind) && is_name(subtype) => Ok(text.trim()),
        _ => refuse("a content type has the form type/subtype"),
    }
}

fn write_contact(contact: &RedirectContact, out: &mut String) -> Result<(), DocumentError> {
    let uri = uri::contact(&contact.uri).at("uri")?;
    let q = contact.q.map(preference).transpose().at("q")?;
    out.extend(["<", uri, ">"]);
    out.push_str(&q.unwrap_or_default());
    Ok(())
}

/// Three decimals at most (RFC 3261 section 25.1, qvalue).
fn preference(q: f32) -> Result<String, DocumentError> {
    if !(0.0..=1.0).contains(&q) {
        return refuse("q is a number from 0 to 1");
    }
    Ok(format!(";q={}", (q * 1000.0).round() / 1000.0))
}
