//! One request, and how it may fail.

use std::error::Error;
use std::io;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder, Response};
use tokio::time::{Duration, Instant, timeout_at};

use super::exchange::Exchange;
use super::fresh::watched;
use crate::dialect::http::HttpQuestion;

/// A response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

/// Why there is none.
#[derive(Debug)]
pub(crate) enum NoReply {
    /// The time ran out.
    Late,
    /// It is past the limit.
    TooLarge,
    /// There is no connection.
    Unreachable(String),
    /// The connection broke, or what came is no HTTP.
    Broken(String),
}

/// A connection that was closed while it was idle shows it within a round trip.
const CLOSED_WITHIN: Duration = Duration::from_millis(500);

/// What is sent, and how often it has to be sent makes no difference to the application.
pub(crate) struct Request<'a> {
    pub(crate) url: &'a str,
    pub(crate) key: Option<&'a str>,
    pub(crate) content: HttpQuestion,
    pub(crate) limit: Duration,
}

impl Exchange {
    /// Sends a request, and once more if the idle connection that it went over was closed under it.
    pub(crate) async fn request(&self, request: &Request<'_>) -> Result<Reply, NoReply> {
        let until = Instant::now() + request.limit;
        let work = async {
            let response = self.send(request).await?;
            self.read(response).await
        };
        timeout_at(until, work).await.unwrap_or(Err(NoReply::Late))
    }

    async fn send(&self, request: &Request<'_>) -> Result<Response, NoReply> {
        let sent = Instant::now();
        let (result, fresh) = watched(build(&self.client, request).send()).await;
        let error = match result {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        if fresh || sent.elapsed() > CLOSED_WITHIN || !was_closed(&error) {
            return Err(no_reply(&error));
        }
        self.counters().repeated.add();
        let again = build(&self.fresh, request).send().await;
        again.map_err(|error| no_reply(&error))
    }

    async fn read(&self, mut response: Response) -> Result<Reply, NoReply> {
        let status = response.status().as_u16();
        let limit = self.max_frame();
        let told = response.content_length().unwrap_or(0);
        if usize::try_from(told).unwrap_or(usize::MAX) > limit {
            return Err(NoReply::TooLarge);
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| no_reply(&e))? {
            if body.len() + chunk.len() > limit {
                return Err(NoReply::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply {
            status,
            body: body.freeze(),
        })
    }
}

fn build(client: &Client, request: &Request<'_>) -> RequestBuilder {
    let content = &request.content;
    let mut builder = client.request(content.method.clone(), content.address(request.url));
    if let Some(kind) = content.content_type {
        builder = builder
            .header(CONTENT_TYPE, kind)
            .body(content.body.clone());
    }
    match request.key {
        Some(key) => builder.header("Idempotency-Key", key),
        None => builder,
    }
}

fn no_reply(error: &reqwest::Error) -> NoReply {
    match error.is_connect() {
        true => NoReply::Unreachable(innermost(error)),
        false => NoReply::Broken(innermost(error)),
    }
}

/// Whether the connection ended before there was the head of a response.
fn was_closed(error: &reqwest::Error) -> bool {
    let closed = [
        io::ErrorKind::BrokenPipe,
        io::ErrorKind::ConnectionAborted,
        io::ErrorKind::ConnectionReset,
    ];
    let mut cause = error.source();
    while let Some(error) = cause {
        let http = error.downcast_ref::<hyper::Error>();
        let io = error.downcast_ref::<io::Error>();
        if http.is_some_and(hyper::Error::is_incomplete_message)
            || io.is_some_and(|error| closed.contains(&error.kind()))
        {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The cause says most; what is around it repeats the URL.
pub(crate) fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
