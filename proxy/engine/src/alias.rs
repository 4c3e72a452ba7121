//! Whom the two sides of a dialog know each other by, where a document changed From or To.
//!
//! The proxy keeps no dialogs for this: what each side has to see stands in a parameter of the
//! Record-Route value that it writes, comes back in the Route of every later request, and so
//! outlives a restart.

use std::hash::Hasher;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use siphasher::sip::SipHasher13;
use tidegate_sip::{NameAddr, Uri, View};

/// The name of the parameter.
const PARAMETER: &str = "tga";
/// Bytes of one display name with its URI.
const LONGEST: usize = 1024;
const HAS_FROM: u8 = 1;
const HAS_TO: u8 = 2;

/// The From and To of a dialog as its two sides see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Aliases {
    /// Tells requests of the caller from those of the callee.
    caller: u32,
    from: Option<Alias>,
    to: Option<Alias>,
}

/// Display name and URI, as they stand before the parameters of a From or To.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alias {
    /// What the caller says.
    pub(crate) original: Box<[u8]>,
    /// What the callee sees.
    pub(crate) shown: Box<[u8]>,
}

/// What a request inside of the dialog has to show in the place of its own From and To.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Restored {
    pub(crate) from: Option<Box<[u8]>>,
    pub(crate) to: Option<Box<[u8]>>,
}

impl Aliases {
    /// For the request that begins the dialog. `None` where nothing is changed, or something is so
    /// long that it can't travel with the dialog.
    pub(crate) fn new(view: View<'_>, from: Option<Alias>, to: Option<Alias>) -> Option<Self> {
        let fits = |alias: &Option<Alias>| {
            let longest = alias
                .as_ref()
                .map(|it| it.original.len().max(it.shown.len()));
            longest.is_none_or(|longest| longest <= LONGEST)
        };
        let caller = hash(view.from().ok()?.tag()?);
        let changed = from.is_some() || to.is_some();
        (changed && fits(&from) && fits(&to)).then_some(Self { caller, from, to })
    }

    /// Writes `;tga=…`.
    pub(crate) fn write(&self, text: &mut Vec<u8>) {
        let flags =
            self.from.as_ref().map_or(0, |_| HAS_FROM) | self.to.as_ref().map_or(0, |_| HAS_TO);
        let mut bytes = vec![flags];
        bytes.extend_from_slice(&self.caller.to_be_bytes());
        for alias in [&self.from, &self.to].into_iter().flatten() {
            for identity in [&alias.original, &alias.shown] {
                let length = u16::try_from(identity.len()).unwrap_or(0);
                bytes.extend_from_slice(&length.to_be_bytes());
                bytes.extend_from_slice(identity);
            }
        }
        text.push(b';');
        text.extend_from_slice(PARAMETER.as_bytes());
        text.push(b'=');
        text.extend_from_slice(URL_SAFE_NO_PAD.encode(&bytes).as_bytes());
    }

    /// Reads what came back in a Route of ours. Anybody may have written it, so that only what could
    /// stand in a From or To is taken.
    pub(crate) fn of_route(uri: &Uri<'_>) -> Option<Self> {
        let text = uri.params.value(PARAMETER)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (&flags, rest) = bytes.split_first()?;
        let (caller, mut rest) = rest.split_first_chunk::<4>()?;
        let mut alias = |flag| {
            let wanted = flags & flag != 0;
            Some(if wanted {
                Some(read_alias(&mut rest)?)
            } else {
                None
            })
        };
        Some(Self {
            caller: u32::from_be_bytes(*caller),
            from: alias(HAS_FROM)?,
            to: alias(HAS_TO)?,
        })
    }

    /// What the other side of the dialog has to see in this request. `None` when it is of neither.
    pub(crate) fn restore(self, view: View<'_>) -> Option<Restored> {
        let is_caller =
            |address: &NameAddr<'_>| address.tag().is_some_and(|tag| hash(tag) == self.caller);
        let (from, to) = (view.from().ok()?, view.to().ok()?);
        let shown = |alias: Option<Alias>| alias.map(|alias| alias.shown);
        let original = |alias: Option<Alias>| alias.map(|alias| alias.original);
        if is_caller(&from) {
            Some(Restored {
                from: shown(self.from),
                to: shown(self.to),
            })
        } else if is_caller(&to) {
            Some(Restored {
                from: original(self.to),
                to: original(self.from),
            })
        } else {
            None
        }
    }
}

fn read_alias(rest: &mut &[u8]) -> Option<Alias> {
    Some(Alias {
        original: read_identity(rest)?,
        shown: read_identity(rest)?,
    })
}

fn read_identity(rest: &mut &[u8]) -> Option<Box<[u8]>> {
    let (length, after) = rest.split_first_chunk::<2>()?;
    let (identity, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    *rest = after;
    let is_line = |bytes: &[u8]| bytes.iter().all(|&byte| byte >= b' ' && byte != 0x7f);
    let address = NameAddr::parse(identity, 0).ok()?;
    let alone = address.params.raw().is_empty() && identity.len() <= LONGEST;
    (alone && is_line(identity)).then(|| identity.into())
}

/// The same in every start of every proxy.
fn hash(tag: &[u8]) -> u32 {
    let mut hasher = SipHasher13::new();
    hasher.write(tag);
    hasher.finish() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alias(original: &str, shown: &str) -> Alias {
        Alias {
            original: original.as_bytes().into(),
            shown: shown.as_bytes().into(),
        }
    }

    fn route(aliases: &Aliases) -> Vec<u8> {
        let mut uri = b"sip:192.0.2.1:5060".to_vec();
        aliases.write(&mut uri);
        uri.extend_from_slice(b";lr");
        uri
    }

    #[test]
    fn what_is_written_comes_back() {
        for (from, to) in [
            (Some(alias("\"A\" <sip:a@h>", "<sip:x@h>")), None),
            (None, Some(alias("sip:b@h", "\"B, \u{e4}\" <sip:y@h;p=1>"))),
            (
                Some(alias("<sip:a@h>", "<sip:x@h>")),
                Some(alias("<sip:b@h>", "<sip:y@h>")),
            ),
        ] {
            let aliases = Aliases {
                caller: 7,
                from,
                to,
            };
            let route = route(&aliases);
            let uri = Uri::parse(&route).unwrap();
            assert_eq!(Aliases::of_route(&uri), Some(aliases));
        }
    }

    #[test]
    fn what_could_not_stand_in_a_header_is_not_taken() {
        for wrong in [
            "<sip:a@h>\r\nX: y",
            "<sip:a@h>;tag=1",
            "",
            "sip",
            "<sip:a@h>, <sip:b@h>",
        ] {
            let aliases = Aliases {
                caller: 7,
                from: Some(alias(wrong, "<sip:x@h>")),
                to: None,
            };
            let route = route(&aliases);
            assert_eq!(
                Aliases::of_route(&Uri::parse(&route).unwrap()),
                None,
                "{wrong}"
            );
        }
        for wrong in [
            "sip:h;tga",
            "sip:h;tga=",
            "sip:h;tga=AA",
            "sip:h;tga=AQAAAAf__w",
            "sip:h;tga=%%%",
        ] {
            let uri = Uri::parse(wrong.as_bytes());
            assert_eq!(
                uri.ok().and_then(|uri| Aliases::of_route(&uri)),
                None,
                "{wrong}"
            );
        }
    }
}
