//! Requests to an application that is asked over HTTP.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Method;
use http::header::CONTENT_TYPE;
use reqwest::Response;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::Reach;
use crate::connection::{Exchange, innermost, watched};

/// An application that is asked over HTTP. Connections are kept, as the proxy keeps them.
pub struct HttpWire {
    exchange: Exchange,
    max_frame: usize,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct HttpReply {
    /// The status.
    pub status: u16,
    /// Content-Type.
    pub content_type: Option<String>,
    /// `application-release`: the application's own version.
    pub release: Option<String>,
    /// The body.
    pub body: Bytes,
    /// Whether a connection was opened for it.
    pub fresh: bool,
}

impl HttpWire {
    /// Gets ready; nothing is sent yet.
    ///
    /// # Errors
    /// A certificate can't be read.
    pub async fn new(reach: &Reach) -> io::Result<Self> {
        let reach = reach.clone();
        let max_frame = reach.max_frame;
        let made = spawn_blocking(move || Exchange::new(&reach.dial(), &reach.context()));
        Ok(Self {
            exchange: made.await??,
            max_frame,
        })
    }

    /// Sends one message and waits for the response.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn post(
        &self,
        body: &str,
        key: Option<&str>,
        within: Duration,
    ) -> Result<HttpReply, String> {
        self.request(Method::POST, Some(body), key, within).await
    }

    /// Sends any request.
    ///
    /// # Errors
    /// Why there is no response.
    pub async fn request(
        &self,
        method: Method,
        body: Option<&str>,
        key: Option<&str>,
        within: Duration,
    ) -> Result<HttpReply, String> {
        let mut request = self.exchange.client.request(method, self.exchange.url());
        if let Some(body) = body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_owned());
        }
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let work = async {
            let (response, fresh) = watched(request.send()).await;
            let response = response.map_err(|error| innermost(&error))?;
            read(response, fresh, self.max_frame).await
        };
        let done = timeout(within, work).await;
        done.unwrap_or_else(|_| Err(format!("no response within {} ms", within.as_millis())))
    }
}

async fn read(mut response: Response, fresh: bool, limit: usize) -> Result<HttpReply, String> {
    let header = |name: &str| {
        let value = response.headers().get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let (content_type, release) = (header("content-type"), header("application-release"));
    let status = response.status().as_u16();
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| innermost(&error))? {
        if body.len() + chunk.len() > limit {
            return Err(format!("the response is larger than {limit} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(HttpReply {
        status,
        content_type,
        release,
        body: body.freeze(),
        fresh,
    })
}
