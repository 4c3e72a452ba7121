//! An authority, and a certificate of it for both sides.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use routing_api_client::{TlsClient, TlsServer};
use tempfile::TempDir;

/// One for all tests of the process.
static FILES: LazyLock<TempDir> = LazyLock::new(|| {
    let dir = TempDir::new().unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap();
    fs::write(dir.path().join("ca"), certificate.pem()).unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    fs::write(dir.path().join("application"), certificate.pem()).unwrap();
    fs::write(dir.path().join("key"), key.serialize_pem()).unwrap();
    dir
});

pub(crate) fn path(name: &str) -> PathBuf {
    FILES.path().join(name)
}

/// A proxy that is dialled, and wants to see a certificate.
pub(crate) fn server() -> TlsServer {
    TlsServer::from_files(path("application"), path("key"), Some(path("ca"))).unwrap()
}

/// A proxy that dials.
pub(crate) fn client() -> TlsClient {
    TlsClient {
        ca_file: Some(path("ca")),
        ..TlsClient::default()
    }
}
