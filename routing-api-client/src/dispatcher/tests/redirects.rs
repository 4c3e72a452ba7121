//! SIP redirect servers as applications.

use tidegate_schemas::document::{Action, OnRedirect, Route};
use tidegate_schemas::event::AskReason;

use super::*;
use crate::policy::{Dial, TlsClient};

fn redirect_server() -> Member {
    Member {
        dial: Some(Dial {
            endpoint: "sip:192.0.2.50:5070".parse().unwrap(),
            dialect: Dialect::Native(NativeDialect::default()),
            token: None,
            tls: TlsClient::default(),
            notify: None,
        }),
        ..member("lcr")
    }
}

fn bench(otherwise: &[Otherwise]) -> Bench {
    Bench::configured(Policy {
        applications: vec![redirect_server()],
        ..policy([pool()], only_step(otherwise))
    })
}

#[track_caller]
fn decided(asked: Asked) -> Arc<RouteDocument> {
    assert_decided(&asked, "lcr");
    match asked {
        Asked::Decided { document, .. } => document,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_call_is_sent_there_at_once_and_its_redirection_is_followed() {
    let mut bench = bench(&[]);
    let document = decided(bench.ask_about(1, &samples::event()));
    let Some(Route::Target(target)) = document.routes.first() else {
        panic!("{document:?}");
    };
    assert_eq!(target.dst_uri.as_deref(), Some("sip:192.0.2.50:5070"));
    assert_eq!((target.uri.as_deref(), target.fr_timer), (None, Some(1000)));
    assert_eq!(document.on_redirect, Some(OnRedirect::Follow));
    assert_eq!(document.on_exhausted, None);
    assert_eq!(bench.stats().redirect_server, 1);
    assert_eq!(bench.registry.applications(), []);
    let report = &bench.registry.members()[0];
    assert_eq!(
        (report.status, report.dialect),
        (crate::MemberStatus::Up, "sip")
    );
}

#[test]
fn where_others_could_follow_it_gets_its_share_and_is_asked_once_about_a_call() {
    let mut bench = bench(&[a_document()]);
    let document = decided(bench.ask_about(1, &call(1)));
    let next = document.on_exhausted.as_ref().and_then(|next| next.action);
    assert_eq!(next, Some(Action::Ask));
    let again = RouteEvent {
        reason: AskReason::Exhausted,
        ..call(1)
    };
    assert_decided(&bench.ask_about(2, &again), "carrier");
    let a = bench.join("a", 9);
    assert_eq!(bench.ask_about(3, &again), Asked::Waiting(a.id));
    decided(bench.ask_about(4, &call(2)));
}

#[test]
fn a_redirect_server_that_the_policy_no_longer_names_is_not_asked() {
    let mut bench = bench(&[]);
    bench.registry.remove("lcr").unwrap();
    assert_eq!(bench.ask(1), Err(Unavailable));
    assert_eq!(bench.registry.members(), []);
    bench.registry.add("default", redirect_server()).unwrap();
    decided(bench.ask_about(2, &call(2)));
}

#[test]
fn what_the_engine_cannot_do_with_it_is_asked_of_others() {
    let mut bench = bench(&[]);
    decided(bench.ask_about(1, &call(1)));
    bench.dispatcher.reject_tier(id(1));
    assert_eq!(bench.ask_about(1, &call(1)), Asked::Unavailable);
}
