use crate::field::{Fields, field_at};
use crate::list::Values;
use crate::start_line::Kind;
use crate::{CSeq, Field, Head, Method, Name, NameAddr, Span, ValueError, Via, lex};

/// A message as it can be read: its head and its bytes.
///
/// Every offset given here counts from the first byte of [`View::bytes`].
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    pub(crate) head: &'a Head,
    pub(crate) bytes: &'a [u8],
}

impl<'a> View<'a> {
    /// Whether this is a request.
    #[must_use]
    pub fn is_request(self) -> bool {
        matches!(self.head.start.kind, Kind::Request { .. })
    }

    /// The method; [`Method::Other`] for a response.
    #[must_use]
    pub fn method(self) -> Method {
        match self.head.start.kind {
            Kind::Request { method, .. } => method,
            Kind::Response { .. } => Method::Other,
        }
    }

    /// The method as it was written; empty for a response.
    #[must_use]
    pub fn method_raw(self) -> &'a [u8] {
        match self.head.start.kind {
            Kind::Request { name, .. } => name.of(self.bytes),
            Kind::Response { .. } => b"",
        }
    }

    /// The Request-URI; empty for a response.
    #[must_use]
    pub fn request_uri(self) -> &'a [u8] {
        self.request_uri_span().of(self.bytes)
    }

    /// Where the Request-URI stands; empty for a response.
    #[must_use]
    pub fn request_uri_span(self) -> Span {
        match self.head.start.kind {
            Kind::Request { uri, .. } => uri,
            Kind::Response { .. } => Span::default(),
        }
    }

    /// The status code; 0 for a request and for a response whose code is no status code.
    #[must_use]
    pub fn status(self) -> u16 {
        match self.head.start.kind {
            Kind::Response { status, .. } => status,
            Kind::Request { .. } => 0,
        }
    }

    /// The reason phrase; empty for a request.
    #[must_use]
    pub fn reason(self) -> &'a [u8] {
        match self.head.start.kind {
            Kind::Response { reason, .. } => reason.of(self.bytes),
            Kind::Request { .. } => b"",
        }
    }

    /// The SIP version as it was written.
    #[must_use]
    pub fn version(self) -> &'a [u8] {
        self.head.start.version.of(self.bytes)
    }

    /// The message, without CRLFs before it and without the ignored tail of a datagram.
    #[must_use]
    pub const fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Offset behind the start line, where the first header field begins.
    #[must_use]
    pub const fn start_line_end(self) -> u32 {
        self.head.start.end
    }

    /// Offset of the empty line behind the header section, where new fields go.
    #[must_use]
    pub const fn headers_end(self) -> u32 {
        self.head.headers_end
    }

    /// The body.
    #[must_use]
    pub fn body(self) -> &'a [u8] {
        self.head.body.of(self.bytes)
    }

    /// Where the body stands.
    #[must_use]
    pub const fn body_span(self) -> Span {
        self.head.body
    }

    /// The first field with this name.
    #[must_use]
    pub fn field(self, name: Name) -> Option<Field<'a>> {
        field_at(self, self.head.first(name) as usize)
    }

    /// All fields with this name, in wire order.
    #[must_use]
    pub fn fields(self, name: Name) -> Fields<'a> {
        Fields::new(self, name)
    }

    /// All fields, in wire order.
    pub fn all_fields(self) -> impl Iterator<Item = Field<'a>> {
        (0..self.head.entries.len()).map_while(move |index| field_at(self, index))
    }

    /// All fields with this name in any case, long or compact, known to this crate or not.
    pub fn fields_named<'n>(self, name: &'n str) -> impl Iterator<Item = Field<'a>> + use<'a, 'n> {
        let known = Name::from_bytes(name.as_bytes());
        self.fields(known).filter(move |field| {
            known != Name::Other || field.raw_name.eq_ignore_ascii_case(name.as_bytes())
        })
    }

    /// The topmost Via value.
    ///
    /// # Errors
    /// When there is none, or it is not well-formed.
    pub fn top_via(self) -> Result<Via<'a>, ValueError> {
        self.vias()
            .next()
            .unwrap_or(Err(ValueError::missing("a Via header field")))
    }

    /// The topmost Via value as far as it can be read: its parameters end at the first bad one.
    /// Good enough to send an error back, not to route by.
    #[must_use]
    pub fn top_via_lenient(self) -> Option<Via<'a>> {
        let field = self.field(Name::Via)?;
        Via::parse_lenient(field.value, field.value_span.start)
    }

    /// All Via values across lines and commas, topmost first.
    #[must_use]
    pub fn vias(self) -> Values<'a, Via<'a>> {
        Values::new(self.fields(Name::Via), Via::take)
    }

    /// The From value.
    ///
    /// # Errors
    /// When it is missing or not well-formed.
    pub fn from(self) -> Result<NameAddr<'a>, ValueError> {
        self.single(Name::From, "a From header field")
    }

    /// The To value.
    ///
    /// # Errors
    /// When it is missing or not well-formed.
    pub fn to(self) -> Result<NameAddr<'a>, ValueError> {
        self.single(Name::To, "a To header field")
    }

    /// The Call-ID.
    #[must_use]
    pub fn call_id(self) -> Option<&'a [u8]> {
        self.field(Name::CallId).map(|field| field.value)
    }

    /// The CSeq value.
    ///
    /// # Errors
    /// When it is missing or not well-formed.
    pub fn cseq(self) -> Result<CSeq<'a>, ValueError> {
        let field = self
            .field(Name::CSeq)
            .ok_or_else(|| ValueError::missing("a CSeq header field"))?;
        CSeq::parse(field.value, field.value_span.start)
    }

    /// The Max-Forwards value, if there is one.
    #[must_use]
    pub fn max_forwards(self) -> Option<Result<u32, ValueError>> {
        self.number(Name::MaxForwards)
    }

    /// The value of a field that holds nothing but a number.
    #[must_use]
    pub fn number(self, name: Name) -> Option<Result<u32, ValueError>> {
        let field = self.field(name)?;
        let number = lex::number(field.value).and_then(|number| u32::try_from(number).ok());
        let error = ValueError {
            expected: "a 32-bit number",
            at: field.value_span.start,
        };
        Some(number.ok_or(error))
    }

    /// All Route values across lines and commas.
    #[must_use]
    pub fn routes(self) -> Values<'a, NameAddr<'a>> {
        self.addresses(Name::Route)
    }

    /// All Record-Route values across lines and commas.
    #[must_use]
    pub fn record_routes(self) -> Values<'a, NameAddr<'a>> {
        self.addresses(Name::RecordRoute)
    }

    /// All Contact values across lines and commas. The `*` of a REGISTER is an error here.
    #[must_use]
    pub fn contacts(self) -> Values<'a, NameAddr<'a>> {
        self.addresses(Name::Contact)
    }

    /// All values of a field that holds addresses, across lines and commas.
    #[must_use]
    pub fn addresses(self, name: Name) -> Values<'a, NameAddr<'a>> {
        Values::new(self.fields(name), NameAddr::take)
    }

    /// The comma-separated tokens of all fields with this name, empty ones left out.
    pub fn tokens(self, name: Name) -> impl Iterator<Item = &'a [u8]> {
        self.fields(name)
            .flat_map(|field| field.value.split(|&byte| byte == b','))
            .map(<[u8]>::trim_ascii)
            .filter(|token| !token.is_empty())
    }

    fn single(self, name: Name, missing: &'static str) -> Result<NameAddr<'a>, ValueError> {
        let field = self
            .field(name)
            .ok_or_else(|| ValueError::missing(missing))?;
        NameAddr::parse(field.value, field.value_span.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{INVITE, altered, message};

    #[test]
    fn the_start_line_is_read() {
        let request = message(INVITE);
        let view = request.view();
        assert!(view.is_request());
        assert_eq!(
            (view.method(), view.method_raw()),
            (Method::Invite, &b"INVITE"[..])
        );
        assert_eq!(view.request_uri(), b"sip:pia@pier.example");
        assert_eq!((view.status(), view.reason()), (0, &b""[..]));
        let response = altered(
            "INVITE sip:pia@pier.example SIP/2.0",
            "SIP/2.0 480 Out at sea",
        );
        let view = response.view();
        assert!(!view.is_request());
        assert_eq!((view.status(), view.reason()), (480, &b"Out at sea"[..]));
        assert_eq!(
            (view.method(), view.request_uri()),
            (Method::Other, &b""[..])
        );
    }

    #[test]
    fn the_parts_of_a_message_meet() {
        let message = message(INVITE);
        let view = message.view();
        assert_eq!(
            view.all_fields().next().unwrap().line.start,
            view.start_line_end()
        );
        assert_eq!(
            view.all_fields().last().unwrap().line.end,
            view.headers_end()
        );
        assert_eq!(view.body_span().start, view.headers_end() + 2);
        assert_eq!(view.body(), b"a\r\nb");
    }

    /// RFC 3261 7.3.1: lines of one name are one list.
    #[test]
    fn values_are_found_across_lines_and_commas() {
        let message = message(INVITE);
        let vias: Vec<_> = message
            .view()
            .vias()
            .map(|via| via.unwrap().transport)
            .collect();
        assert_eq!(vias, [b"UDP", b"TCP", b"TLS"]);
        let last = message.view().vias().last().unwrap().unwrap();
        assert_eq!(
            last.span.of(INVITE.as_bytes()),
            b"SIP/2.0/TLS in.bay.example"
        );
    }

    #[test]
    fn a_walk_over_values_goes_on_behind_a_bad_line() {
        let message = altered("SIP/2.0/UDP 198.51.100.7:5062", "SIP/2.0/UDP ,x");
        let vias: Vec<_> = message.view().vias().map(|via| via.is_ok()).collect();
        assert_eq!(vias, [false, true, true]);
        assert!(message.view().top_via().is_err());
    }

    #[test]
    fn addresses_have_their_tags_and_places() {
        let message = message(INVITE);
        let view = message.view();
        let from = view.from().unwrap();
        assert_eq!(from.display, Some(&b"\"Ana, Bay\""[..]));
        assert_eq!(from.uri_span.of(view.bytes()), b"sip:ana@bay.example");
        assert_eq!(from.tag(), Some(&b"a1"[..]));
        assert_eq!(view.to().unwrap().tag(), None);
        assert_eq!(view.routes().count(), 1);
        assert_eq!(view.record_routes().count(), 0);
    }

    #[test]
    fn numbers_and_identifiers_are_read() {
        let message = message(INVITE);
        let view = message.view();
        assert_eq!(view.call_id(), Some(&b"c7-19@198.51.100.7"[..]));
        assert_eq!(view.cseq().unwrap().number, 31);
        assert_eq!(view.max_forwards(), Some(Ok(69)));
        assert_eq!(view.number(Name::MaxBreadth), None);
        assert!(view.number(Name::Timestamp).unwrap().is_err());
    }

    #[test]
    fn a_name_finds_its_fields_in_any_case_and_form() {
        let message = message(INVITE);
        let view = message.view();
        assert_eq!(view.fields_named("VIA").count(), 2);
        assert_eq!(view.fields_named("f").count(), 1);
        assert_eq!(view.fields_named("X-colour").count(), 2);
        assert_eq!(view.fields_named("X-Color").count(), 0);
    }

    #[test]
    fn tokens_come_from_all_lines_without_empty_ones() {
        let text = "Require: a , b,\r\n c\r\nRequire: ,\r\nRequire: d\r\nContent-Length: 4";
        let message = altered("Content-Length: 4", text);
        let tokens: Vec<_> = message.view().tokens(Name::Require).collect();
        assert_eq!(tokens, [b"a", b"b", b"c", b"d"]);
    }
}
