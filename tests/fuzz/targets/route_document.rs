//! Any bytes as a route document, strictly and with rtjson's habits, and its plan. A refusal says
//! where by a pointer; what was read survives being written and read again.
#![no_main]

use std::net::{Ipv4Addr, SocketAddr};

use libfuzzer_sys::fuzz_target;
use tidegate_engine::{Config, Listener, Transport};
use tidegate_schemas::{DocumentError, RouteDocument, lenient};

fuzz_target!(|json: &[u8]| {
    let strict = RouteDocument::from_json(json);
    let loose = lenient::document_from_json(json);
    for read in [strict, loose] {
        match read {
            Ok(document) => use_document(&document),
            Err(error) => check_refusal(&error),
        }
    }
});

fn use_document(document: &RouteDocument) {
    let listeners = [Transport::Udp, Transport::Tcp]
        .map(|transport| Listener::new(transport, SocketAddr::from((Ipv4Addr::LOCALHOST, 5060))));
    let config = Config::new(listeners.to_vec());
    let verdict = config.check_document(document);
    if let Err(error) = &verdict {
        check_refusal(error);
    }
    let written = serde_json::to_vec(document).expect("a document can be written");
    let again = RouteDocument::from_json(&written).expect("what was written can be read");
    assert_eq!(config.check_document(&again).is_ok(), verdict.is_ok());
}

fn check_refusal(error: &DocumentError) {
    assert!(
        error.pointer.is_empty() || error.pointer.starts_with('/'),
        "{error}"
    );
    assert!(!error.reason.is_empty());
}
