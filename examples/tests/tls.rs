//! Runs the marketplace with a model that is behind TLS, as that of a provider is.

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use support::{Extra, marketplace};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

#[test]
fn a_model_behind_tls_serves_every_customer() {
    let authority = authority();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("authority-of-the-model.pem");
    std::fs::write(&file, authority.pem()).expect("a file");
    let model = Extra::idle(&[]);
    let runtime = Runtime::new().expect("a runtime");
    let address = runtime.block_on(terminate(server(&authority), model.address()));
    let text = marketplace(
        &[],
        &[
            ("OPENAI_BASE_URL", &format!("https://localhost:{}/v1", address.port())),
            ("OPENAI_API_KEY", "of-the-test"),
            ("OTEL_TRACES_EXPORTER", "console"),
            ("SSL_CERT_FILE", file.to_str().expect("a path")),
        ],
    );
    assert!(text.contains("Sold 2 of P-0012"), "{text}");
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("an authority")
}

/// A server whose certificate is of this authority.
fn server(authority: &CertifiedIssuer<'static, KeyPair>) -> ServerConfig {
    let key = KeyPair::generate().expect("a key");
    let names = ["localhost".to_owned()];
    let certificate = CertificateParams::new(names).and_then(|it| it.signed_by(&key, authority));
    let chain = vec![certificate.expect("a certificate").into()];
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .expect("its key")
}

/// Terminates TLS in front of a server, until the runtime ends, and returns the address.
async fn terminate(config: ServerConfig, server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut client = acceptor.accept(client).await?;
                let mut server = TcpStream::connect(server).await?;
                tokio::io::copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    address
}
