macro_rules! names {
    ($($variant:ident $text:literal,)+) => {
        /// The name of a header field, where this crate knows it.
        ///
        /// Compact forms (RFC 3261 7.3.3) are the same name as their long form.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Name {
            $(#[doc = $text] $variant,)+
            /// Any name not listed here.
            Other,
        }

        const KNOWN: &[(&str, Name)] = &[$(($text, Name::$variant)),+];
    };
}

names! {
    Via "Via",
    From "From",
    To "To",
    CallId "Call-ID",
    CSeq "CSeq",
    MaxForwards "Max-Forwards",
    Route "Route",
    RecordRoute "Record-Route",
    Contact "Contact",
    ContentLength "Content-Length",
    ContentType "Content-Type",
    Require "Require",
    ProxyRequire "Proxy-Require",
    Supported "Supported",
    Unsupported "Unsupported",
    Reason "Reason",
    MaxBreadth "Max-Breadth",
    ProxyAuthenticate "Proxy-Authenticate",
    WwwAuthenticate "WWW-Authenticate",
    Authorization "Authorization",
    ProxyAuthorization "Proxy-Authorization",
    SessionExpires "Session-Expires",
    MinSe "Min-SE",
    Path "Path",
    Expires "Expires",
    RetryAfter "Retry-After",
    Accept "Accept",
    AcceptContact "Accept-Contact",
    Allow "Allow",
    AllowEvents "Allow-Events",
    ContentEncoding "Content-Encoding",
    ContentDisposition "Content-Disposition",
    Date "Date",
    Diversion "Diversion",
    Event "Event",
    HistoryInfo "History-Info",
    Identity "Identity",
    IdentityInfo "Identity-Info",
    MinExpires "Min-Expires",
    PAssertedIdentity "P-Asserted-Identity",
    PPreferredIdentity "P-Preferred-Identity",
    Privacy "Privacy",
    RAck "RAck",
    RSeq "RSeq",
    ReferTo "Refer-To",
    ReferredBy "Referred-By",
    RejectContact "Reject-Contact",
    Replaces "Replaces",
    RequestDisposition "Request-Disposition",
    Server "Server",
    ServiceRoute "Service-Route",
    Subject "Subject",
    SubscriptionState "Subscription-State",
    Timestamp "Timestamp",
    UserAgent "User-Agent",
    Warning "Warning",
}

impl Name {
    /// How many names there are, [`Name::Other`] included.
    pub const COUNT: usize = KNOWN.len() + 1;

    /// The name these bytes spell, in any case (RFC 3261 7.3.1), long or compact (7.3.3).
    #[must_use]
    pub fn from_bytes(name: &[u8]) -> Self {
        match name {
            [letter] => compact(letter.to_ascii_lowercase()),
            _ => long(name),
        }
    }

    /// The long form; empty for [`Name::Other`].
    #[must_use]
    pub fn as_str(self) -> &'static str {
        KNOWN.get(self as usize).map_or("", |(text, _)| text)
    }
}

fn long(name: &[u8]) -> Name {
    let range = BY_LENGTH.get(name.len()).copied().unwrap_or((0, 0));
    let candidates = SORTED
        .get(range.0 as usize..range.1 as usize)
        .unwrap_or_default();
    let ends_of_name = ends(name);
    let matching = |known: &&(&str, Name)| {
        let text = known.0.as_bytes();
        ends(text) == ends_of_name && text.eq_ignore_ascii_case(name)
    };
    candidates
        .iter()
        .find(matching)
        .map_or(Name::Other, |known| known.1)
}

/// First and last byte in one case: among names of one length they tell nearly all apart.
fn ends(name: &[u8]) -> Option<(u8, u8)> {
    Some((name.first()? | 0x20, name.last()? | 0x20))
}

const fn compact(letter: u8) -> Name {
    match letter {
        b'a' => Name::AcceptContact,
        b'b' => Name::ReferredBy,
        b'c' => Name::ContentType,
        b'd' => Name::RequestDisposition,
        b'e' => Name::ContentEncoding,
        b'f' => Name::From,
        b'i' => Name::CallId,
        b'j' => Name::RejectContact,
        b'k' => Name::Supported,
        b'l' => Name::ContentLength,
        b'm' => Name::Contact,
        b'n' => Name::IdentityInfo,
        b'o' => Name::Event,
        b'r' => Name::ReferTo,
        b's' => Name::Subject,
        b't' => Name::To,
        b'u' => Name::AllowEvents,
        b'v' => Name::Via,
        b'x' => Name::SessionExpires,
        b'y' => Name::Identity,
        _ => Name::Other,
    }
}

const LONGEST: usize = 24;
static SORTED: [(&str, Name); KNOWN.len()] = sorted_by_length();
static BY_LENGTH: [(u8, u8); LONGEST + 1] = ranges_by_length();

const fn sorted_by_length() -> [(&'static str, Name); KNOWN.len()] {
    let mut sorted = [("", Name::Other); KNOWN.len()];
    let (mut filled, mut length) = (0, 0);
    while length <= LONGEST {
        let mut at = 0;
        while at < KNOWN.len() {
            if KNOWN[at].0.len() == length {
                sorted[filled] = KNOWN[at];
                filled += 1;
            }
            at += 1;
        }
        length += 1;
    }
    assert!(filled == KNOWN.len(), "a name is longer than LONGEST");
    sorted
}

const fn ranges_by_length() -> [(u8, u8); LONGEST + 1] {
    let sorted = sorted_by_length();
    let mut ranges = [(0, 0); LONGEST + 1];
    let mut at = 0;
    while at < sorted.len() {
        let length = sorted[at].0.len();
        if ranges[length].1 == 0 {
            ranges[length].0 = at as u8;
        }
        at += 1;
        ranges[length].1 = at as u8;
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3261 7.3.1: field names are case-insensitive.
    #[test]
    fn every_known_name_is_recognised_in_any_case() {
        for (text, name) in KNOWN {
            assert_eq!(Name::from_bytes(text.as_bytes()), *name);
            assert_eq!(Name::from_bytes(text.to_uppercase().as_bytes()), *name);
            assert_eq!(Name::from_bytes(text.to_lowercase().as_bytes()), *name);
            assert_eq!(name.as_str(), *text);
        }
    }

    /// RFC 3261 7.3.3.
    #[test]
    fn compact_forms_are_their_long_name() {
        for (letter, name) in [
            (b"v", Name::Via),
            (b"L", Name::ContentLength),
            (b"i", Name::CallId),
        ] {
            assert_eq!(Name::from_bytes(letter), name);
        }
    }

    #[test]
    fn an_unknown_name_is_other() {
        for name in [&b"X-Flavour"[..], b"", b"z", b"Vib", &[b'a'; 300]] {
            assert_eq!(Name::from_bytes(name), Name::Other);
        }
    }
}
