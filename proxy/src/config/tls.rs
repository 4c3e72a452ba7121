//! TLS of routing channels, by files in PEM. They are read anew with every reload.

use std::path::{Path, PathBuf};

use routing_api_client as client;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// TLS where applications dial in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerTls {
    /// The proxy's certificate, with those between it and the authority.
    pub certificate_file: PathBuf,
    /// Its key.
    pub key_file: PathBuf,
    /// The authorities that vouch for applications. With it an application has to show a
    /// certificate of theirs; others are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ca_file: Option<PathBuf>,
}

/// TLS towards an application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientTls {
    /// The authorities that vouch for the application. Without it, the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// The proxy's own certificate, where the application wants one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_file: Option<PathBuf>,
    /// The key of that certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// The name in the application's certificate, where that is not the host of its `url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
}

impl ServerTls {
    /// Reads the files.
    pub(crate) fn server(&self) -> Result<client::TlsServer, client::TlsError> {
        let client_ca = self.client_ca_file.clone();
        client::TlsServer::from_files(&self.certificate_file, &self.key_file, client_ca)
    }

    /// The files, with their keys.
    pub(super) fn files(&self) -> Vec<(&'static str, &Path)> {
        let client = self.client_ca_file.as_deref();
        let own = [
            ("certificate_file", self.certificate_file.as_path()),
            ("key_file", self.key_file.as_path()),
        ];
        own.into_iter()
            .chain(client.map(|file| ("client_ca_file", file)))
            .collect()
    }

    pub(super) fn resolve_against(&mut self, folder: &Path) {
        for file in [&mut self.certificate_file, &mut self.key_file] {
            *file = folder.join(&*file);
        }
        resolve(&mut self.client_ca_file, folder);
    }
}

impl ClientTls {
    /// As the routing client takes it.
    pub(super) fn client(&self) -> client::TlsClient {
        client::TlsClient {
            ca_file: self.ca_file.clone(),
            certificate_file: self.certificate_file.clone(),
            key_file: self.key_file.clone(),
            server_name: self.server_name.clone(),
        }
    }

    /// The files, with their keys.
    pub(super) fn files(&self) -> Vec<(&'static str, &Path)> {
        let all = [
            ("ca_file", &self.ca_file),
            ("certificate_file", &self.certificate_file),
            ("key_file", &self.key_file),
        ];
        all.into_iter()
            .filter_map(|(key, file)| Some((key, file.as_deref()?)))
            .collect()
    }

    pub(super) fn resolve_against(&mut self, folder: &Path) {
        for file in [
            &mut self.ca_file,
            &mut self.certificate_file,
            &mut self.key_file,
        ] {
            resolve(file, folder);
        }
    }
}

/// A relative name counts from the folder of the configuration file.
pub(super) fn resolve(file: &mut Option<PathBuf>, folder: &Path) {
    if let Some(file) = file {
        *file = folder.join(&*file);
    }
}
