//! What holds for any bytes.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;
use tidegate_sip::build::{Response, ViaStamp, ack, cancel, response, stamp_via};
use tidegate_sip::stream::{Frame, FrameError, Framer};
use tidegate_sip::{
    Edits, Head, Host, Limits, Message, Name, NameAddr, Span, Uri, Via, View, check_request,
    check_response, remove_value,
};

/// Pieces that messages are made of, so that random ones reach deep into the readers.
const PIECES: &[&str] = &[
    "INVITE sip:a@b.example SIP/2.0\r\n",
    "SIP/2.0 200 OK\r\n",
    "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKa;rport;received=[fd00::1]\r\n",
    "v: SIP / 2.0 /TCP b.example , SIP/2.0/UDP [fd00:::192.0.2.1];maddr=x\r\n",
    "From: \"A, \\\" B\" <sip:a@b.example;lr?x=y>;tag=1;q=0.5\r\n",
    "To: <tel:+49-30;phone-context=x>\r\n",
    "Call-ID: x@y\r\n",
    "CSeq: 1 INVITE\r\n",
    "Route: <sip:a;lr>, \"x\" <sip:b> ;p=\"1,2\"\r\n",
    "Max-Forwards: 70\r\n",
    "Content-Length: 3\r\n",
    "l: 0\r\n",
    "X-Sea:\r\n\t green\r\n",
    "\r\n",
    "\r",
    "\n",
    " ",
    ":",
    ";",
    ",",
    "=",
    "\"",
    "<",
    ">",
    "[",
    "%",
    "\\",
    "sip:",
    "SIP/2.0",
];

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => prop::sample::select(PIECES).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..6),
    ]
}

/// Anything, mostly with the look of a message.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let start = prop_oneof![
        Just(&b""[..]),
        Just(PIECES[0].as_bytes()),
        Just(PIECES[1].as_bytes())
    ];
    (start, vec(piece(), 0..24)).prop_map(|(start, pieces)| [start, &pieces.concat()].concat())
}

/// A message without defects, and its body.
fn message() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let field = "[A-Za-z-]{2,12} {0,2}: {0,2}[!-~]{0,20}(\r\n [!-~]{1,8}){0,2}\r\n";
    (vec(field, 0..12), vec(any::<u8>(), 0..64)).prop_map(|(mut fields, body)| {
        fields.retain(|field| !field.to_ascii_lowercase().starts_with("content-length"));
        let head = format!(
            "MESSAGE sip:a@b.example SIP/2.0\r\nVia: SIP/2.0/UDP b.example;rport\r\n\
             From: sip:c@d.example;tag=1\r\nTo: sip:a@b.example\r\nCall-ID: x\r\n\
             CSeq: 7 MESSAGE\r\n{}Content-Length: {}\r\n\r\n",
            fields.concat(),
            body.len()
        );
        ([head.as_bytes(), &body].concat(), body)
    })
}

/// Asks for everything a view can tell, and for what can be made of it.
fn read_everything(view: View<'_>) -> usize {
    let addresses = view
        .routes()
        .chain(view.record_routes())
        .chain(view.contacts());
    let named = addresses.chain([view.from(), view.to()]).flatten();
    let uris = named
        .filter(|one| one.parse_uri().is_ok_and(|uri| uri.equivalent(&uri)))
        .count();
    let vias = view.vias().flatten().filter_map(|via| via.branch()).count();
    let _ = (
        check_request(view),
        check_response(view),
        view.cseq(),
        view.max_forwards(),
    );
    let mut out = Vec::new();
    let stamp = ViaStamp {
        received: "192.0.2.1".parse().ok(),
        rport: Some(1),
    };
    response(
        view,
        stamp,
        &Response {
            status: 400,
            ..Response::default()
        },
        &mut out,
    );
    ack(view, view, &mut out);
    cancel(view, &[], &mut out);
    out.len() + uris + vias + view.tokens(Name::Require).count()
}

fn inside(span: Span, outer: Span) -> bool {
    span.start <= span.end && outer.contains(span)
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in noise()) {
        let mut head = Head::new();
        if head.parse(&bytes, &Limits::default()).is_ok() {
            prop_assert!(read_everything(head.view(&bytes)) > 0);
            let copy = Message::from_view(head.view(&bytes));
            prop_assert_eq!(copy.view().bytes(), head.view(&bytes).bytes());
        }
        let _ = (Uri::parse(&bytes), Host::parse(&bytes), Via::parse_lenient(&bytes, 0));
    }

    #[test]
    fn fields_lie_one_behind_the_other_and_give_the_message_back(bytes in noise()) {
        let mut head = Head::new();
        prop_assume!(head.parse(&bytes, &Limits::default()).is_ok());
        let view = head.view(&bytes);
        let mut at = view.start_line_end();
        let mut whole = view.bytes()[..at as usize].to_vec();
        for field in view.all_fields() {
            prop_assert_eq!(field.line.start, at);
            prop_assert!(inside(field.value_span, field.line));
            prop_assert_eq!(field.value_span.of(view.bytes()), field.value);
            whole.extend_from_slice(field.line.of(view.bytes()));
            at = field.line.end;
        }
        prop_assert_eq!(at, view.headers_end());
        whole.extend_from_slice(&view.bytes()[at as usize..view.body_span().start as usize]);
        whole.extend_from_slice(view.body());
        prop_assert_eq!(&whole, view.bytes());
    }

    #[test]
    fn values_lie_inside_their_fields(bytes in noise()) {
        let mut head = Head::new();
        prop_assume!(head.parse(&bytes, &Limits::default()).is_ok());
        let view = head.view(&bytes);
        let lines: Vec<_> = view.all_fields().map(|field| field.value_span).collect();
        let in_a_field = |span: Span| lines.iter().any(|line| inside(span, *line));
        for via in view.vias().flatten() {
            prop_assert!(in_a_field(via.span));
            prop_assert!(via.params.into_iter().all(|param| inside(param.span, via.span)));
        }
        for address in view.routes().flatten() {
            prop_assert!(in_a_field(address.span));
            prop_assert!(inside(address.uri_span, address.span));
            prop_assert_eq!(address.uri_span.of(view.bytes()), address.uri);
        }
    }

    #[test]
    fn a_sound_message_is_read_in_full((bytes, body) in message()) {
        let mut head = Head::new();
        head.parse(&bytes, &Limits::default()).unwrap();
        let view = head.view(&bytes);
        prop_assert_eq!(view.body(), &body);
        prop_assert_eq!(view.bytes(), &bytes);
        let unread = view.all_fields().filter(|field| field.name == Name::Other);
        prop_assert!(unread.into_iter().all(|field| !field.raw_name.ends_with(b" ")));
    }

    /// RFC 3261 16.6: what the proxy does not touch leaves as it came, body included.
    #[test]
    fn untouched_bytes_survive_the_edits_of_a_proxy((bytes, _) in message()) {
        let mut head = Head::new();
        head.parse(&bytes, &Limits::default()).unwrap();
        let view = head.view(&bytes);
        let (mut edits, mut out) = (Edits::new(), Vec::new());
        edits.insert(view.start_line_end(), b"Via: SIP/2.0/UDP e.example\r\n");
        stamp_via(view, ViaStamp { received: None, rport: Some(5) }, &mut edits);
        remove_value(view, &mut edits, view.field(Name::CallId).unwrap().value_span);
        edits.insert(view.headers_end(), b"X-Tide: high\r\n");
        edits.apply(view.bytes(), &mut out).unwrap();
        let text = bytes.escape_ascii().to_string();
        let text = text.replacen("\\r\\nVia: ", "\\r\\nVia: SIP/2.0/UDP e.example\\r\\nVia: ", 1);
        let text = text.replacen(";rport", ";rport=5", 1).replacen("Call-ID: x\\r\\n", "", 1);
        let text = text.replacen("\\r\\n\\r\\n", "\\r\\nX-Tide: high\\r\\n\\r\\n", 1);
        prop_assert_eq!(out.escape_ascii().to_string(), text);
    }

    #[test]
    fn edits_do_what_a_naive_model_does(
        source in vec(any::<u8>(), 0..80),
        cuts in vec((0_usize..80, vec(any::<u8>(), 0..5)), 0..12),
        order in any::<prop::sample::Index>(),
    ) {
        let mut points: Vec<_> = cuts.iter().map(|(at, _)| at % (source.len() + 1)).collect();
        points.sort_unstable();
        let mut splices = Vec::new();
        for (pair, (_, text)) in points.chunks_exact(2).zip(&cuts) {
            splices.push((pair[0], pair[1], text));
        }
        let (mut model, mut at) = (Vec::new(), 0);
        for (start, end, text) in &splices {
            model.extend_from_slice(&source[at..*start]);
            model.extend_from_slice(text);
            at = *end;
        }
        model.extend_from_slice(&source[at..]);
        splices.dedup_by_key(|splice| splice.0);
        prop_assume!(splices.len() == points.len() / 2);
        if !splices.is_empty() {
            let middle = order.index(splices.len());
            splices.rotate_left(middle);
        }
        let (mut edits, mut out) = (Edits::new(), Vec::new());
        for (start, end, text) in splices {
            edits.replace(Span::new(u32::try_from(start).unwrap(), u32::try_from(end).unwrap()), text);
        }
        prop_assert!(edits.apply(&source, &mut out).is_ok());
        prop_assert_eq!(out, model);
    }

    #[test]
    fn edits_that_overlap_change_nothing(
        source in vec(any::<u8>(), 0..20),
        spans in vec((0_u32..24, 0_u32..24), 0..5),
    ) {
        let (mut edits, mut out) = (Edits::new(), b"before".to_vec());
        for (start, end) in &spans {
            edits.replace(Span::new(*start, *end), b"x");
        }
        match edits.apply(&source, &mut out) {
            Ok(()) => {
                let removed: u32 = spans.iter().map(|(start, end)| end - start).sum();
                prop_assert_eq!(out.len() - 6, source.len() + spans.len() - removed as usize);
            }
            Err(_) => prop_assert_eq!(out, b"before"),
        }
    }

    /// RFC 3261 18.3.
    #[test]
    fn a_framer_gives_the_same_frames_for_any_split(
        messages in vec(message(), 1..4),
        step in 1_usize..200,
    ) {
        let stream = messages.iter().map(|(bytes, _)| &bytes[..]).collect::<Vec<_>>().concat();
        let frames = frames(&stream, step).unwrap();
        let expected = messages.into_iter().map(|(bytes, _)| Frame::Message(bytes.into()));
        prop_assert_eq!(frames, expected.collect::<Vec<_>>());
    }

    #[test]
    fn no_stream_makes_the_framer_panic_or_stall(stream in noise(), step in 1_usize..50) {
        let whole = frames(&stream, stream.len().max(1));
        prop_assert_eq!(frames(&stream, step).is_ok(), whole.is_ok());
    }

    #[test]
    fn a_request_uri_that_was_written_reads_as_one(
        raw in "sips?:([a-z;?&=]{1,5}@)?[a-z]{1,5}(:[0-9]{1,4})?(;(method|lr|a)(=[a-z%20]{1,3})?){0,3}(\\?a=b)?"
    ) {
        let Ok(uri) = Uri::parse(raw.as_bytes()) else { return Ok(()) };
        let mut out = Vec::new();
        uri.write_request_uri(&mut out);
        let written = Uri::parse(&out).unwrap();
        prop_assert!(written.headers.is_none() && written.param("method").is_none());
        prop_assert_eq!((written.user, written.host, written.port), (uri.user, uri.host, uri.port));
    }

    #[test]
    fn an_address_is_found_again_where_its_spans_say(value in "[a-z\"<>;:=, \\\\@]{0,40}") {
        if let Ok(address) = NameAddr::parse(value.as_bytes(), 0) {
            prop_assert_eq!(address.uri_span.of(value.as_bytes()), address.uri);
            prop_assert!(!address.uri.contains(&b'<') && address.uri.contains(&b':'));
        }
    }
}

fn frames(stream: &[u8], step: usize) -> Result<Vec<Frame>, FrameError> {
    let (mut framer, mut buf) = (Framer::new(Limits::default()), BytesMut::new());
    let mut frames = Vec::new();
    for chunk in stream.chunks(step) {
        buf.extend_from_slice(chunk);
        while let Some(frame) = framer.next(&mut buf)? {
            frames.push(frame);
        }
    }
    Ok(frames)
}
