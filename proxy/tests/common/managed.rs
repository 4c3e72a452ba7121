//! A proxy that is started from a configuration file, and its admin API.

use std::path::PathBuf;

use reqwest::{Method, RequestBuilder};
use tempfile::TempDir;
use tidegate::Proxy;
use tidegate::config::{Origin, Overrides};

/// The secret of the admin API; each test's file has it.
pub(crate) const TOKEN: &str = "a-secret-for-the-tests";

pub(crate) struct Managed {
    pub(crate) proxy: Proxy,
    folder: TempDir,
    http: reqwest::Client,
}

impl Managed {
    /// With this file.
    pub(crate) fn start(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tidegate.toml");
        std::fs::write(&file, text).unwrap();
        let origin = Origin {
            file: Some(file),
            overrides: Overrides::default(),
        };
        Self {
            proxy: Proxy::start_from(origin).unwrap(),
            folder,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// Its configuration file.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("tidegate.toml")
    }

    /// Where its admin API is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.proxy.admin_address().unwrap())
    }

    pub(crate) fn request(&self, method: &Method, path: &str) -> RequestBuilder {
        self.stranger(method, path).bearer_auth(TOKEN)
    }

    /// A request without the secret.
    pub(crate) fn stranger(&self, method: &Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.url());
        self.http.request(method.clone(), url)
    }
}
