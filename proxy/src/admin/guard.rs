//! Who may ask.

use std::hint::black_box;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::answer::Refusal;

/// The secret that a request has to show. Without one only loopback is listened on, and what a web
/// page in a browser on this machine sends is refused: it has an Origin, or the name of a foreign
/// host that was made to point here.
#[derive(Clone)]
pub(super) struct Guard {
    token: Option<Arc<str>>,
}

impl Guard {
    pub(super) fn new(token: Option<&str>) -> Self {
        Self {
            token: token.map(Into::into),
        }
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        match &self.token {
            Some(token) if shown(headers).is_some_and(|it| is_same(token, it)) => Ok(()),
            Some(_) => Err(Refusal::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "the token is missing or wrong; send `Authorization: Bearer TOKEN`",
            )),
            None if headers.contains_key(ORIGIN) || !names_loopback(headers) => Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "forbidden",
                "without a token only programs on this machine may ask, by 127.0.0.1, [::1] or \
                 localhost; set admin.token for others",
            )),
            None => Ok(()),
        }
    }
}

pub(super) async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    match guard.check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

fn shown(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

/// The time taken tells the length at most.
fn is_same(token: &str, shown: &[u8]) -> bool {
    let both = token.bytes().zip(shown);
    let differing = both.fold(0, |all, (a, b)| all | black_box(a ^ b));
    token.len() == shown.len() && black_box(differing) == 0
}

fn names_loopback(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let Some(host) = host else {
        return false;
    };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        let all = all.iter();
        all.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    fn code(guard: &Guard, all: &[(&'static str, &str)]) -> u16 {
        let refused = guard.check(&headers(all)).err();
        refused.map_or(200, |refusal| refusal.into_response().status().as_u16())
    }

    #[test]
    fn a_secret_lets_in_those_who_show_it_and_nobody_else() {
        let guard = Guard::new(Some("a-long-secret-here"));
        assert_eq!(
            code(&guard, &[("authorization", "bearer a-long-secret-here")]),
            200
        );
        for wrong in [
            "Bearer a-long-secret-her",
            "a-long-secret-here",
            "Basic a-long-secret-here",
        ] {
            assert_eq!(code(&guard, &[("authorization", wrong)]), 401, "{wrong}");
        }
        assert_eq!(code(&guard, &[("host", "localhost")]), 401);
    }

    #[test]
    fn without_a_secret_web_pages_are_kept_out() {
        let guard = Guard::new(None);
        for host in [
            "localhost:8450",
            "127.0.0.1:8450",
            "[::1]:8450",
            "127.0.0.9",
        ] {
            assert_eq!(code(&guard, &[("host", host)]), 200, "{host}");
        }
        let page = [
            ("host", "localhost:8450"),
            ("origin", "http://evil.example"),
        ];
        assert_eq!(code(&guard, &page), 403);
        assert_eq!(code(&guard, &[("host", "evil.example:8450")]), 403);
        assert_eq!(code(&guard, &[]), 403);
    }
}
