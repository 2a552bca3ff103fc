//! Reads the certificates of a connection. This happens for each new connection.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use crate::settings::{Endpoint, Tls};

/// The contents of the files. They are checked here, because the clients cannot handle malformed ones.
#[derive(Debug)]
pub(crate) struct Credentials {
    /// Authorities that are trusted instead of the public ones.
    authorities: Option<Vec<u8>>,
    identity: Option<Identity>,
}

/// The client certificate and its key.
struct Identity {
    chain: Vec<u8>,
    key: Vec<u8>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(****)")
    }
}

impl Credentials {
    /// Reads the files for an endpoint that uses TLS. Returns `None` for any other endpoint.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or does not contain what is expected.
    pub(crate) fn read(endpoint: &Endpoint, files: &Tls) -> Result<Option<Self>, String> {
        if !endpoint.is_tls() {
            return Ok(None);
        }
        let authorities = files.certificate.as_deref().map(authorities).transpose()?;
        let identity = match (&files.client_certificate, &files.client_key) {
            (Some(chain), key) => Some(identity(chain, key.as_ref().unwrap_or(chain))?),
            (None, Some(key)) => {
                return Err(format!("the key {} is set without a client certificate", key.display()));
            }
            (None, None) => None,
        };
        Ok(Some(Credentials { authorities, identity }))
    }

    /// For the HTTP client.
    pub(super) fn for_http(&self) -> TlsConfig {
        let mut config = TlsConfig::builder();
        if let Some(authorities) = &self.authorities {
            config = config.root_certs(RootCerts::new_with_certs(&certificates(authorities)));
        }
        let identity = self.identity.as_ref().and_then(|identity| {
            let key = PrivateKey::from_pem(&identity.key).ok()?;
            Some(ClientCert::new_with_certs(&certificates(&identity.chain), key))
        });
        config.client_cert(identity).build()
    }

    /// For the gRPC client.
    #[cfg(feature = "otlp-grpc")]
    pub(super) fn for_grpc(&self) -> tonic::transport::ClientTlsConfig {
        use tonic::transport::{Certificate, ClientTlsConfig, Identity};
        let config = match &self.authorities {
            Some(authorities) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authorities)),
            None => ClientTlsConfig::new().with_enabled_roots(),
        };
        match &self.identity {
            Some(identity) => config.identity(Identity::from_pem(&identity.chain, &identity.key)),
            None => config,
        }
    }
}

fn certificates(pem: &[u8]) -> Vec<Certificate<'static>> {
    let certificate =
        |item| if let Ok(PemItem::Certificate(certificate)) = item { Some(certificate) } else { None };
    parse_pem(pem).filter_map(certificate).collect()
}

fn authorities(path: &Path) -> Result<Vec<u8>, String> {
    let pem = read(path)?;
    let mut roots = RootCertStore::empty();
    for certificate in chain(path, &pem)? {
        roots
            .add(certificate)
            .map_err(|error| format!("{} is not a valid authority: {error}", path.display()))?;
    }
    Ok(pem)
}

/// Checks that the key fits the certificate, because the HTTP client panics if it does not.
fn identity(chain_path: &Path, key_path: &Path) -> Result<Identity, String> {
    let identity = Identity { chain: read(chain_path)?, key: read(key_path)? };
    let certificates = chain(chain_path, &identity.chain)?;
    let key = PrivateKeyDer::from_pem_slice(&identity.key)
        .map_err(|_| format!("{} contains no PEM private key", key_path.display()))?;
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map(|config| config.with_root_certificates(RootCertStore::empty()))
        .and_then(|config| config.with_client_auth_cert(certificates, key))
        .map_err(|error| {
            format!("{} and {} do not belong together: {error}", chain_path.display(), key_path.display())
        })?;
    Ok(identity)
}

fn chain(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = certificates.map_err(|error| format!("{} is not PEM: {error}", path.display()))?;
    if certificates.is_empty() {
        return Err(format!("{} contains no PEM certificate", path.display()));
    }
    Ok(certificates)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}
