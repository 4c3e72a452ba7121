//! Certificates and keys, from files in PEM.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::policy::TlsClient;

/// TLS towards applications that dial in. Copies share what [`TlsServer::reload`] puts in place.
#[derive(Clone)]
pub struct TlsServer(Arc<Server>);

struct Server {
    files: ServerFiles,
    config: ArcSwap<ServerConfig>,
}

struct ServerFiles {
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
}

/// Which file can't be used for TLS, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {why}", file.display())]
pub struct TlsError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

impl TlsServer {
    /// Reads a chain of certificates, its key, and who vouches for the applications. With
    /// `client_ca`, whoever shows no certificate of theirs is refused.
    ///
    /// # Errors
    /// A file can't be read, is not what it should be, or does not fit the others.
    pub fn from_files(
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
        client_ca: Option<PathBuf>,
    ) -> Result<Self, TlsError> {
        let files = ServerFiles {
            certificate: certificate.into(),
            key: key.into(),
            client_ca,
        };
        let config = ArcSwap::new(files.read()?);
        Ok(Self(Arc::new(Server { files, config })))
    }

    /// Reads the files again, for the connections to come.
    ///
    /// # Errors
    /// As [`TlsServer::from_files`]. What was read before stays in place.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.0.config.store(self.0.files.read()?);
        Ok(())
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        self.0.config.load_full()
    }
}

impl fmt::Debug for TlsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let certificate = &self.0.files.certificate;
        f.debug_tuple("TlsServer").field(certificate).finish()
    }
}

impl ServerFiles {
    fn read(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(&self.certificate, error))?;
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(file) => {
                let roots = Arc::new(authorities(file)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
                let verifier = verifier.build().map_err(|error| wrong(file, error))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        builder
            .with_single_cert(certificates(&self.certificate)?, key(&self.key)?)
            .map(Arc::new)
            .map_err(|error| wrong(&self.key, error))
    }
}

impl TlsClient {
    /// Reads the files.
    ///
    /// # Errors
    /// A file can't be read, is not what it should be, or does not fit the others.
    pub fn check(&self) -> Result<(), TlsError> {
        self.config().map(|_| ())
    }

    pub(crate) fn config(&self) -> Result<ClientConfig, TlsError> {
        let of_system = Path::new("the system's certificates");
        let (roots, named) = match &self.ca_file {
            Some(file) => (authorities(file)?, file.as_path()),
            None => (authorities_of_the_system(), of_system),
        };
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .map_err(|error| wrong(named, error))?;
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(named, error))?
            .with_webpki_verifier(verifier);
        let Some(certificate) = &self.certificate_file else {
            return Ok(builder.with_no_client_auth());
        };
        let key_file = self.key_file.as_ref().unwrap_or(certificate);
        builder
            .with_client_auth_cert(certificates(certificate)?, key(key_file)?)
            .map_err(|error| wrong(key_file, error))
    }

    /// What tells that the files changed.
    pub(crate) fn stamp(&self) -> Stamp {
        let files = [&self.ca_file, &self.certificate_file, &self.key_file];
        Stamp(files.map(|file| {
            let found = std::fs::metadata(file.as_ref()?).ok()?;
            Some((found.modified().ok()?, found.len()))
        }))
    }
}

/// When files were written, and how long they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp([Option<(std::time::SystemTime, u64)>; 3]);

/// The one cryptography of this process.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    if let Some(installed) = CryptoProvider::get_default() {
        return Arc::clone(installed);
    }
    let own = aws_lc_rs::default_provider();
    let _ = own.clone().install_default();
    Arc::new(own)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = CertificateDer::pem_file_iter(file).map_err(|error| wrong(file, error))?;
    let found: Vec<_> = found
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(file, error))?;
    match found.is_empty() {
        true => Err(wrong(file, "there is no certificate in it")),
        false => Ok(found),
    }
}

fn key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(file).map_err(|error| wrong(file, error))
}

fn authorities(file: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|error| wrong(file, error))?;
    }
    Ok(roots)
}

fn authorities_of_the_system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn wrong(file: &Path, why: impl fmt::Display) -> TlsError {
    TlsError {
        file: file.to_owned(),
        why: why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Files {
        dir: tempfile::TempDir,
    }

    impl Files {
        fn new() -> Self {
            let files = Self {
                dir: tempfile::tempdir().unwrap(),
            };
            files.write("cert", "key");
            files.write("other", "other-key");
            files
        }

        fn write(&self, certificate: &str, key: &str) {
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            fs::write(self.path(certificate), made.cert.pem()).unwrap();
            fs::write(self.path(key), made.signing_key.serialize_pem()).unwrap();
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        fn server(&self, key: &str, client_ca: Option<&str>) -> Result<TlsServer, TlsError> {
            let client_ca = client_ca.map(|name| self.path(name));
            TlsServer::from_files(self.path("cert"), self.path(key), client_ca)
        }
    }

    #[test]
    fn an_error_names_the_file() {
        let files = Files::new();
        assert!(files.server("key", Some("other")).is_ok());
        for (key, client_ca, named) in [
            ("missing", None, "missing"),
            ("cert", None, "cert"),
            ("other-key", None, "other-key"),
            ("key", Some("key"), "key"),
        ] {
            let error = files.server(key, client_ca).unwrap_err();
            assert_eq!(error.file, files.path(named), "{error}");
        }
        let missing = TlsClient {
            ca_file: Some(files.path("missing")),
            ..TlsClient::default()
        };
        assert_eq!(missing.check().unwrap_err().file, files.path("missing"));
    }

    #[test]
    fn files_that_are_broken_when_read_again_change_nothing() {
        let files = Files::new();
        let server = files.server("key", None).unwrap();
        let before = server.config();
        fs::write(files.path("cert"), "garbage").unwrap();
        assert!(server.reload().is_err());
        assert!(Arc::ptr_eq(&before, &server.config()));
        files.write("cert", "key");
        server.reload().unwrap();
        assert!(!Arc::ptr_eq(&before, &server.config()));
    }

    #[test]
    fn a_file_that_was_written_again_is_noticed() {
        let files = Files::new();
        let tls = TlsClient {
            ca_file: Some(files.path("cert")),
            ..TlsClient::default()
        };
        let before = tls.stamp();
        assert_eq!(before, tls.stamp());
        fs::write(files.path("cert"), "other").unwrap();
        assert_ne!(before, tls.stamp());
    }
}
