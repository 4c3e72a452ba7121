//! Speaks with the admin API.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, Url};
use serde::Serialize;
use serde_json::Value;
use tidegate_schemas::admin::{Failure, Fault};

use crate::cli::exit;

/// How long the proxy may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a command was not carried out.
#[derive(Debug)]
pub(in crate::cli) enum Trouble {
    /// The admin API can't be reached.
    Unreached(String),
    /// The proxy refused.
    Refused(Fault),
    /// Something here can't be used.
    Unusable(String),
    /// The sample answer can't be used.
    Invalid(String),
}

impl Trouble {
    pub(in crate::cli) fn exit(&self) -> u8 {
        match self {
            Self::Unreached(_) => exit::START,
            Self::Refused(_) | Self::Unusable(_) | Self::Invalid(_) => exit::CONFIG,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreached(why) => write!(f, "the admin API can't be reached: {why}"),
            Self::Unusable(why) | Self::Invalid(why) => f.write_str(why),
            Self::Refused(fault) => {
                f.write_str(&fault.message)?;
                match &fault.pointer {
                    Some(pointer) => write!(f, " (at {pointer})"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// The admin API of one proxy.
pub(in crate::cli) struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<String>,
}

impl Client {
    pub(in crate::cli) fn new(url: &str, token: Option<&str>) -> Result<Self, Trouble> {
        let wrong = || Trouble::Unusable(format!("`{url}` is no address; write http://host:port"));
        let base = Url::parse(url).map_err(|_| wrong())?;
        if base.cannot_be_a_base() {
            return Err(wrong());
        }
        let http = reqwest::Client::builder().timeout(PATIENCE).no_proxy();
        Ok(Self {
            http: http.build().map_err(|error| unreached(&error))?,
            base,
            token: token.map(str::to_owned),
        })
    }

    pub(in crate::cli) async fn get(&self, path: &[&str]) -> Result<Value, Trouble> {
        self.send(self.request(Method::GET, path, None)).await
    }

    pub(in crate::cli) async fn delete(&self, path: &[&str]) -> Result<Value, Trouble> {
        self.send(self.request(Method::DELETE, path, None)).await
    }

    pub(in crate::cli) async fn post(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<Value, Trouble> {
        self.send(self.request(Method::POST, path, None).json(body))
            .await
    }

    pub(in crate::cli) async fn patch(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<Value, Trouble> {
        self.send(self.request(Method::PATCH, path, None).json(body))
            .await
    }

    fn request(&self, method: Method, path: &[&str], query: Option<&str>) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_query(query);
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        let request = self.http.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(in crate::cli) async fn reload(&self, dry_run: bool) -> Result<Value, Trouble> {
        let how = dry_run.then_some("dry_run=true");
        self.send(self.request(Method::POST, &["reload"], how))
            .await
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value, Trouble> {
        let response = request.send().await.map_err(|error| {
            let Trouble::Unreached(why) = unreached(&error) else {
                return unreached(&error);
            };
            let advice = "is the proxy running, with [admin] in its configuration?";
            Trouble::Unreached(format!("{}: {why}; {advice}", self.base))
        })?;
        read(response).await
    }
}

async fn read(response: Response) -> Result<Value, Trouble> {
    let status = response.status();
    let body = response.bytes().await.map_err(|error| unreached(&error))?;
    if status.is_success() {
        return Ok(serde_json::from_slice(&body).unwrap_or_default());
    }
    let fault = match serde_json::from_slice::<Failure>(&body) {
        Ok(failure) => failure.error,
        Err(_) => Fault {
            code: status.as_str().to_owned(),
            message: format!("{status}, which no admin API of tidegate says"),
            pointer: None,
        },
    };
    Err(Trouble::Refused(fault))
}

/// The innermost cause is the one that helps.
fn unreached(error: &reqwest::Error) -> Trouble {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    Trouble::Unreached(cause.to_string())
}
