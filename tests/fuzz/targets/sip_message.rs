//! Any bytes as a datagram: everything that can be read is read, and what is built from it is sound.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_sip::build::{self, Response, ViaStamp};
use tidegate_sip::{
    Edits, Head, Limits, Name, NameAddr, Uri, View, check_request, check_response, remove_value,
};

fuzz_target!(|bytes: &[u8]| {
    let mut head = Head::new();
    if head.parse(bytes, &Limits::default()).is_err() {
        return;
    }
    let view = head.view(bytes);
    read_everything(view);
    let sound = if view.is_request() {
        check_request(view).is_ok()
    } else {
        check_response(view).is_ok()
    };
    leave_alone(view);
    if sound {
        edit(view);
    }
    if view.is_request() {
        answer(view, sound);
    }
});

fn read_everything(view: View<'_>) {
    let _ = (
        view.method(),
        view.method_raw(),
        view.status(),
        view.reason(),
        view.version(),
    );
    let _ = (
        view.call_id(),
        view.cseq(),
        view.max_forwards(),
        view.from(),
        view.to(),
    );
    for via in view.vias().flatten() {
        let _ = (
            via.branch(),
            via.received(),
            via.rport(),
            via.maddr(),
            via.ttl(),
        );
        assert!(!via.span.of(view.bytes()).is_empty());
    }
    for name in [
        Name::Route,
        Name::RecordRoute,
        Name::Contact,
        Name::From,
        Name::To,
    ] {
        view.addresses(name)
            .flatten()
            .for_each(|address| read_address(view, &address));
    }
    for name in [Name::Require, Name::ProxyRequire, Name::Supported] {
        let _ = view.tokens(name).count();
    }
    for field in view.all_fields() {
        assert!(field.line.contains(field.value_span));
        assert_eq!(field.value_span.of(view.bytes()), field.value);
    }
    read_uri(view.request_uri());
}

fn read_address(view: View<'_>, address: &NameAddr<'_>) {
    assert_eq!(address.uri_span.of(view.bytes()), address.uri);
    let _ = (address.tag(), address.q());
    read_uri(address.uri);
}

fn read_uri(raw: &[u8]) {
    let Ok(uri) = Uri::parse(raw) else { return };
    let _ = (uri.transport(), uri.maddr(), uri.has_lr(), uri.method());
    let mut written = Vec::new();
    uri.write_request_uri(&mut written);
    let again = Uri::parse(&written).expect("a Request-URI written from a URI can be read");
    assert!(again.headers.is_none());
}

fn leave_alone(view: View<'_>) {
    let mut out = Vec::new();
    Edits::default()
        .apply(view.bytes(), &mut out)
        .expect("no edits, no overlap");
    assert_eq!(out, view.bytes(), "what nobody touched leaves as it came");
}

fn edit(view: View<'_>) {
    let (mut edits, mut out) = (Edits::default(), Vec::new());
    edits.insert(view.headers_end(), b"X-Fuzz: 1\r\n");
    if let Some(route) = view.routes().flatten().next() {
        remove_value(view, &mut edits, route.span);
    }
    edits
        .apply(view.bytes(), &mut out)
        .expect("edits at different places");
    let mut head = Head::new();
    if head.parse(&out, &Limits::default()).is_err() {
        return; // a limit
    }
    let edited = head.view(&out);
    assert_eq!(edited.body(), view.body());
    assert_eq!(
        edited.fields_named("x-fuzz").count(),
        view.fields_named("x-fuzz").count() + 1
    );
}

fn answer(view: View<'_>, sound: bool) {
    let mut out = Vec::new();
    let refusal = Response {
        status: 400,
        to_tag: Some(b"t"),
        ..Response::default()
    };
    build::response(view, ViaStamp::default(), &refusal, &mut out);
    let mut head = Head::new();
    let parsed = head.parse(&out, &Limits::default());
    if !sound || parsed.is_err() {
        return;
    }
    let response = head.view(&out);
    check_response(response).expect("the response to a sound request is sound");
    for build in [build_ack, build_cancel] {
        let mut out = Vec::new();
        build(view, response, &mut out);
        let mut head = Head::new();
        head.parse(&out, &Limits::default())
            .expect("what is built can be read");
        check_request(head.view(&out)).expect("what is built from a sound request is sound");
    }
}

fn build_ack(view: View<'_>, response: View<'_>, out: &mut Vec<u8>) {
    build::ack(view, response, out);
}

fn build_cancel(view: View<'_>, _: View<'_>, out: &mut Vec<u8>) {
    build::cancel(view, &[(b"Reason", b"SIP;cause=200")], out);
}
