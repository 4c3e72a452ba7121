//! An authority, the certificates that it gave, and a stranger.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use routing_api_client::{TlsClient, TlsServer};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tempfile::TempDir;

/// The name in every certificate.
pub(crate) const NAME: &str = "localhost";

/// One for all tests of the process.
static FILES: LazyLock<TempDir> = LazyLock::new(|| {
    let dir = TempDir::new().unwrap();
    for authority in ["ca", "stranger-ca"] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        fs::write(dir.path().join(authority), certificate.pem()).unwrap();
        let issuer = Issuer::new(params, key);
        let holders = match authority {
            "ca" => ["server", "client"],
            _ => ["stranger", "other-stranger"],
        };
        for holder in holders {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new([NAME.to_owned(), "127.0.0.1".to_owned()]).unwrap();
            let certificate = params.signed_by(&key, &issuer).unwrap();
            fs::write(dir.path().join(holder), certificate.pem()).unwrap();
            let key_file = dir.path().join(format!("{holder}.key"));
            fs::write(key_file, key.serialize_pem()).unwrap();
        }
    }
    dir
});

pub(crate) fn path(name: &str) -> PathBuf {
    FILES.path().join(name)
}

fn key_path(name: &str) -> PathBuf {
    path(&format!("{name}.key"))
}

/// The proxy's side of those who dial in.
pub(crate) fn proxy_server(mutual: bool) -> TlsServer {
    let client_ca = mutual.then(|| path("ca"));
    TlsServer::from_files(path("server"), key_path("server"), client_ca).unwrap()
}

/// The proxy's side of those that it dials.
pub(crate) fn proxy_client(certificate: Option<&str>) -> TlsClient {
    TlsClient {
        ca_file: Some(path("ca")),
        certificate_file: certificate.map(path),
        key_file: certificate.map(key_path),
        server_name: Some(NAME.to_owned()),
    }
}

/// An application that dials in.
pub(crate) fn client(certificate: Option<&str>) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder().with_root_certificates(roots());
    Arc::new(match certificate {
        None => builder.with_no_client_auth(),
        Some(name) => {
            let (chain, key) = identity(name);
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    })
}

/// An application that is dialled.
pub(crate) fn server(certificate: &str, mutual: bool) -> ServerConfig {
    let (chain, key) = identity(certificate);
    let builder = ServerConfig::builder();
    let builder = match mutual {
        false => builder.with_no_client_auth(),
        true => {
            let verifier = WebPkiClientVerifier::builder(roots().into());
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    builder.with_single_cert(chain, key).unwrap()
}

fn identity(name: &str) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let chain = CertificateDer::from_pem_file(path(name)).unwrap();
    let key = PrivateKeyDer::from_pem_file(key_path(name)).unwrap();
    (vec![chain], key)
}

fn roots() -> RootCertStore {
    // The libraries of the tests take the provider of the process.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_file(path("ca")).unwrap();
    roots.add(ca).unwrap();
    roots
}
