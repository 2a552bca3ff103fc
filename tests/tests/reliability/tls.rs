//! Tests sending over TLS, with certificates of a private authority.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use a2a_otel::testing::Receiver;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use crate::agent::{Agent, Report};
use crate::grpc::{self, over_grpc};

const AUTHORITY: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";
const CLIENT_CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE";
const CLIENT_KEY: &str = "OTEL_EXPORTER_OTLP_CLIENT_KEY";

/// All certificates, in a separate folder.
struct Files {
    folder: PathBuf,
}

impl Files {
    fn new(test: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("tls-{test}"));
        fs::create_dir_all(&folder).unwrap();
        let files = Files { folder };
        let key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = authority.self_signed(&key).unwrap();
        files.write("authority", &certificate.pem());
        let issuer = Issuer::new(authority, key);
        for name in ["server", "client", "other"] {
            let key = KeyPair::generate().unwrap();
            let names = ["localhost".to_owned()];
            let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
            files.write(name, &certificate.pem());
            files.write(&format!("{name}.key"), &key.serialize_pem());
            files.write(&format!("{name}.both"), &(key.serialize_pem() + &certificate.pem()));
        }
        files
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).unwrap();
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    fn certificate(&self, name: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.path(name)).unwrap()
    }

    fn set(&self, agent: Agent, settings: &[(&str, &str)]) -> Agent {
        settings.iter().fold(agent, |agent, (variable, name)| agent.with(variable, &self.path(name)))
    }

    /// The configuration of a TLS server. If it `asks`, it requires a client certificate.
    fn server(&self, asks: bool) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate("authority")).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = if asks {
            config.unwrap().with_client_cert_verifier(verifier.build().unwrap())
        } else {
            config.unwrap().with_no_client_auth()
        };
        let key = PrivateKeyDer::from_pem_file(self.path("server.key")).unwrap();
        let mut config = config.with_single_cert(vec![self.certificate("server")], key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config
    }
}

/// A proxy that terminates TLS in front of a receiver, until it is dropped.
struct Terminator {
    endpoint: String,
    _runtime: Runtime,
}

impl Terminator {
    fn start(receiver: SocketAddr, config: ServerConfig) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let endpoint = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let acceptor = TlsAcceptor::from(Arc::new(config));
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut client = acceptor.accept(client).await?;
                    let mut server = TcpStream::connect(receiver).await?;
                    tokio::io::copy_bidirectional(&mut client, &mut server).await
                });
            }
        });
        Terminator { endpoint, _runtime: runtime }
    }
}

/// Sends with each protocol, and checks what the agent reports.
fn over_each(test: &str, asks: bool, settings: &[(&str, &str)], check: impl Fn(&Report)) {
    let files = Files::new(test);
    let receiver = Receiver::start();
    let front = Terminator::start(receiver.address(), files.server(asks));
    let report = files.set(Agent::new(&front.endpoint, &["spans=20", "timeout=3"]), settings).run();
    assert_eq!(receiver.spans().len() as u64, report.delivered);
    check(&report);

    let receiver = grpc::Receiver::start(|_| Ok(()));
    let front = Terminator::start(receiver.address, files.server(asks));
    let report = files.set(over_grpc(&front.endpoint, &["spans=20", "timeout=3"]), settings).run();
    report.assert_balanced(20);
    check(&report);
}

fn assert_delivered(report: &Report) {
    assert_eq!(report.delivered, 20, "{report:?}");
    report.assert_said(&[]);
}

#[test]
fn a_private_authority_is_trusted_where_it_is_named() {
    over_each("authority", false, &[(AUTHORITY, "authority")], assert_delivered);
}

#[test]
fn a_private_authority_is_not_trusted_otherwise() {
    over_each("public", false, &[], |report| {
        assert_eq!(report.dropped["not sent in time"], 20, "{report:?}");
        report.assert_said(&["UnknownIssuer. The agent continues", "were not sent in time"]);
    });
}

#[test]
fn a_receiver_that_asks_who_sends_is_told() {
    let apart = [(AUTHORITY, "authority"), (CLIENT_CERTIFICATE, "client"), (CLIENT_KEY, "client.key")];
    over_each("client", true, &apart, assert_delivered);
    let together = [(AUTHORITY, "authority"), (CLIENT_CERTIFICATE, "client.both")];
    over_each("client-both", true, &together, assert_delivered);
}

#[test]
fn a_receiver_that_is_not_told_who_sends_refuses() {
    over_each("nobody", true, &[(AUTHORITY, "authority")], |report| {
        assert_eq!(report.dropped["not sent in time"], 20, "{report:?}");
    });
}

#[test]
fn a_port_with_the_other_protocol_is_named_with_advice() {
    let with_tls = |endpoint: String| endpoint.replace("http://", "https://");
    let receiver = Receiver::start();
    let report = Agent::new(&with_tls(receiver.endpoint()), &["spans=20", "timeout=3"]).run();
    report.assert_balanced(20);
    let advice = "if the receiver does not use TLS, the endpoint has to begin with http://";
    report.assert_said(&[advice, "were not sent in time"]);
    let receiver = grpc::Receiver::start(|_| Ok(()));
    let report = over_grpc(&format!("https://{}", receiver.address), &["spans=20", "timeout=3"]).run();
    report.assert_balanced(20);
    let advice = "the receiver does not use TLS there; check the endpoint, which begins with https";
    report.assert_said(&[advice, "were not sent in time"]);

    let files = Files::new("plain");
    let front = Terminator::start(receiver.address, files.server(false));
    let without_tls = front.endpoint.replace("https://", "http://");
    for agent in [Agent::new, over_grpc] {
        let report = agent(&without_tls, &["spans=20", "timeout=3"]).run();
        report.assert_balanced(20);
        let advice = "if the receiver uses TLS, the endpoint has to begin with https";
        assert!(report.messages[0].contains(advice), "{report:?}");
    }
}

#[test]
fn what_is_wrong_with_the_files_is_said_at_the_start() {
    let authority = (AUTHORITY, "authority");
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[(AUTHORITY, "absent")], "{folder}/absent cannot be read: No such file or directory (os error 2)"),
        (&[(AUTHORITY, "client.key")], "{folder}/client.key contains no PEM certificate"),
        (
            &[authority, (CLIENT_KEY, "client.key")],
            "the key {folder}/client.key is set without a client certificate",
        ),
        (&[authority, (CLIENT_CERTIFICATE, "client")], "{folder}/client contains no PEM private key"),
        (
            &[authority, (CLIENT_CERTIFICATE, "client"), (CLIENT_KEY, "other.key")],
            "{folder}/client and {folder}/other.key do not belong together",
        ),
        (&[(AUTHORITY, "")], "{folder}/ cannot be read"),
    ];
    for (number, (settings, reason)) in cases.into_iter().enumerate() {
        let files = Files::new(&format!("files-{number}"));
        let agent = Agent::new("https://127.0.0.1:1", &["spans=20", "timeout=1"]);
        let report = files.set(agent, settings).run();
        assert_eq!(report.dropped["not sent in time"], 20, "{report:?}");
        let reason = reason.replace("{folder}", files.folder.to_str().unwrap());
        report.assert_said(&[&format!("for now: {reason}"), &reason, "were not sent in time"]);
    }
}

#[test]
fn files_may_come_later() {
    let receiver = Receiver::start();
    let report = with_late_files("later-http", receiver.address(), Agent::new);
    report.assert_delivered(2000, &receiver);
    let receiver = grpc::Receiver::start(|_| Ok(()));
    let report = with_late_files("later-grpc", receiver.address, over_grpc);
    receiver.assert_delivered(&report, 2000);
}

fn with_late_files(test: &str, receiver: SocketAddr, agent: fn(&str, &[&str]) -> Agent) -> Report {
    let files = Files::new(test);
    let front = Terminator::start(receiver, files.server(false));
    fs::rename(files.path("authority"), files.path("authority.later")).unwrap();
    let agent = agent(&front.endpoint, &["spans=2000", "per_second=1000"]);
    let agent = agent.with(AUTHORITY, &files.path("authority")).start();
    thread::sleep(Duration::from_secs(2));
    fs::rename(files.path("authority.later"), files.path("authority")).unwrap();
    let report = agent.wait();
    report.assert_said(&["cannot be read", "cannot be read", "spans reach"]);
    report
}
