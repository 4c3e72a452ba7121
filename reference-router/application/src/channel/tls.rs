//! TLS towards proxies, in both roles.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, InvalidDnsNameError, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Certificates in PEM.
#[derive(Debug, Clone, Default)]
pub struct TlsFiles {
    /// Who may have signed the certificates of proxies that are dialled.
    pub ca_file: Option<PathBuf>,
    /// The certificate of this application: where it listens, and where a proxy that is dialled
    /// wants one.
    pub certificate_file: Option<PathBuf>,
    /// Its key.
    pub key_file: Option<PathBuf>,
}

/// Why TLS is not possible.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Nothing is said about whom to trust.
    #[error("tls:// and wss:// need --ca-file: who may have signed the proxy's certificate")]
    NoCa,
    /// A listener has no certificate to show.
    #[error("listening with TLS needs --certificate-file and --key-file")]
    NoIdentity,
    /// A certificate without a key, or a key without a certificate.
    #[error("--certificate-file and --key-file belong together")]
    HalfIdentity,
    /// A file can't be read.
    #[error("certificates: {0}")]
    Pem(#[from] pem::Error),
    /// Certificates or keys do not fit.
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
    /// The proxy's name can't stand in a certificate.
    #[error(transparent)]
    Name(#[from] InvalidDnsNameError),
    /// The connection failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl TlsFiles {
    /// Reads the files at each connection, so that renewed certificates are taken.
    pub(crate) async fn connect(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, TlsError> {
        let name = ServerName::try_from(host.to_owned())?;
        let connector = TlsConnector::from(Arc::new(self.config()?));
        Ok(connector.connect(name, stream).await?)
    }

    /// For connections that are taken.
    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        let (Some(certificate_file), Some(key_file)) = (&self.certificate_file, &self.key_file)
        else {
            return Err(TlsError::NoIdentity);
        };
        let chain: Result<_, _> = CertificateDer::pem_file_iter(certificate_file)?.collect();
        let key = PrivateKeyDer::from_pem_file(key_file)?;
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain?, key)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    fn config(&self) -> Result<ClientConfig, TlsError> {
        let ca_file = self.ca_file.as_ref().ok_or(TlsError::NoCa)?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(ca_file)? {
            roots.add(certificate?)?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        match (&self.certificate_file, &self.key_file) {
            (None, None) => Ok(config.with_no_client_auth()),
            (Some(certificate_file), Some(key_file)) => {
                let chain: Result<_, _> =
                    CertificateDer::pem_file_iter(certificate_file)?.collect();
                let key = PrivateKeyDer::from_pem_file(key_file)?;
                Ok(config.with_client_auth_cert(chain?, key)?)
            }
            _ => Err(TlsError::HalfIdentity),
        }
    }
}
