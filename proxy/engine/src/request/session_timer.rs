//! Session timers at a proxy (RFC 4028 section 8.1).

use tidegate_sip::{Method, Name, View};

use crate::context::SessionEdit;
use crate::reply::LocalReply;

/// Judges Session-Expires against the least value that passes here, where one is configured.
pub(crate) fn check(minimum: Option<u32>, view: View<'_>) -> Result<SessionEdit, LocalReply> {
    let Some(minimum) = minimum else {
        return Ok(SessionEdit::Leave);
    };
    if !matches!(view.method(), Method::Invite | Method::Update) {
        return Ok(SessionEdit::Leave);
    }
    let asked = view
        .field(Name::SessionExpires)
        .and_then(|field| seconds(field.value));
    if asked.is_none_or(|asked| asked >= minimum) {
        return Ok(SessionEdit::Leave);
    }
    if view
        .tokens(Name::Supported)
        .any(|tag| tag.eq_ignore_ascii_case(b"timer"))
    {
        let value = minimum.to_string().into_bytes();
        return Err(LocalReply::of(422, "Session Interval Too Small").with_header("Min-SE", value));
    }
    let known = view
        .field(Name::MinSe)
        .and_then(|field| seconds(field.value))
        .unwrap_or(0);
    Ok(SessionEdit::Raise(minimum.max(known)))
}

/// Milliseconds that a session lasts from this 2xx on (section 8.2); `None` without a timer.
pub(crate) fn interval(response: View<'_>) -> Option<u32> {
    let field = response.field(Name::SessionExpires)?;
    Some(seconds(field.value)?.saturating_mul(1000))
}

/// The delta-seconds at the beginning of a value.
pub(crate) fn seconds(value: &[u8]) -> Option<u32> {
    let digits = value
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    std::str::from_utf8(value.get(..digits)?).ok()?.parse().ok()
}
