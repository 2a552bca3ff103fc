//! Measures what happens to a span that has ended: how long its end takes for the caller, and the CPU time of sending
//! it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;
use std::{env, thread};

use a2a_otel::Telemetry;
use a2a_otel::opentelemetry::global::BoxedTracer;
use a2a_otel::opentelemetry::trace::{Span as _, Tracer, TracerProvider as _};
use a2a_otel::opentelemetry::{KeyValue, global};
use opentelemetry_otlp::{Protocol, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SdkTracerProvider, SpanData, SpanExporter};

use crate::measure::{Figure, Variant, run};
use crate::rows::{OURS, PLAIN, SDK_BATCH};

/// As many spans as the SDK's queue holds, so that it loses none between two flushes.
const A_ROUND: u32 = 2_000;
const ROUNDS: u32 = 200;

/// The length of the ticks in which Linux counts time.
const TICKS_A_SECOND: f64 = 100.0;

const FLUSH: Duration = Duration::from_secs(30);

/// An exporter that does nothing.
#[derive(Debug)]
struct Nowhere;

impl SpanExporter for Nowhere {
    async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
        Ok(())
    }
}

static TELEMETRY: OnceLock<Telemetry> = OnceLock::new();
static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// A span that starts, ends and is queued for an exporter that does nothing.
pub(crate) fn ends() -> Vec<Variant> {
    let ours = Telemetry::builder().span_exporter(Nowhere).metrics(false).tracing(false).start();
    let _ = TELEMETRY.set(ours);
    let ours = global::tracer("bench");
    let batch = BatchSpanProcessor::builder(Nowhere).build();
    let provider = SdkTracerProvider::builder().with_span_processor(batch).build();
    // Boxed, like the global tracer.
    let theirs = BoxedTracer::new(Box::new(provider.tracer("bench")));
    let _ = PROVIDER.set(provider);
    let settle = || {
        TELEMETRY.get().map(|telemetry| telemetry.flush(FLUSH));
        let _ = PROVIDER.get().map(SdkTracerProvider::force_flush);
    };
    vec![
        Variant { settle, ..Variant::of_call(OURS, move |_| ours.start("span")) },
        Variant { settle, ..Variant::of_call(SDK_BATCH, move |_| theirs.start("span")) },
    ]
}

/// Microseconds of CPU time, in the process that sends, for a span of 2 kB. Each variant runs in a separate process.
pub(crate) fn sent() -> Vec<Figure> {
    [("none", PLAIN), ("ours", OURS), ("sdk", SDK_BATCH)].map(|(way, name)| figure(way, name, "none")).into()
}

/// The same with compression.
pub(crate) fn sent_compressed() -> Vec<Figure> {
    [("none", PLAIN), ("ours", OURS), ("sdk", SDK_BATCH)].map(|(way, name)| figure(way, name, "gzip")).into()
}

fn figure(way: &str, name: &str, compression: &str) -> Figure {
    let receiver = Receiver::start();
    let mut child = Command::new(env::current_exe().expect("a running program has a path"));
    child.args(["--send", way, &receiver.endpoint]).env("OTEL_EXPORTER_OTLP_COMPRESSION", compression);
    let output = run(&mut child);
    let seconds: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().expect("seconds");
    (name.to_owned(), seconds * 1e6 / f64::from(A_ROUND * ROUNDS))
}

/// The child's side: sends the spans with one variant, and prints the CPU seconds of all its threads.
pub(crate) fn send(way: &str, endpoint: &str) {
    match way {
        "ours" => {
            let telemetry = Telemetry::builder().endpoint(endpoint).metrics(false).tracing(false).start();
            make_spans(&global::tracer("bench"), || drop(telemetry.flush(FLUSH)));
            let delivery = telemetry.shutdown(FLUSH);
            assert_eq!(delivery.delivered, u64::from(A_ROUND * ROUNDS), "{delivery}");
        }
        "sdk" => {
            let builder = opentelemetry_otlp::SpanExporter::builder()
                .with_http()
                .with_endpoint(format!("{endpoint}/v1/traces"))
                .with_protocol(Protocol::HttpBinary);
            let is_compressed = env::var("OTEL_EXPORTER_OTLP_COMPRESSION").is_ok_and(|value| value == "gzip");
            let gzip = opentelemetry_otlp::Compression::Gzip;
            let builder = if is_compressed { builder.with_compression(gzip) } else { builder };
            let provider = SdkTracerProvider::builder()
                .with_span_processor(
                    BatchSpanProcessor::builder(builder.build().expect("an exporter")).build(),
                )
                .build();
            make_spans(&provider.tracer("bench"), || provider.force_flush().expect("a flush"));
        }
        _ => {
            let provider = SdkTracerProvider::builder().with_simple_exporter(Nowhere).build();
            make_spans(&provider.tracer("bench"), || {});
        }
    }
    println!("{}", cpu_seconds());
}

fn make_spans<T: Tracer>(tracer: &T, flush: impl Fn()) {
    let text = "What lamps do you have below sixty euros, and which of them are in stock? ".repeat(12);
    for _ in 0..ROUNDS {
        for number in 0..A_ROUND {
            let mut span = tracer.start("search");
            span.set_attribute(KeyValue::new("openinference.span.kind", "TOOL"));
            span.set_attribute(KeyValue::new("input.value", text.clone()));
            span.set_attribute(KeyValue::new("output.value", text.clone()));
            span.set_attribute(KeyValue::new("number", i64::from(number)));
            (0..6).for_each(|_| span.set_attribute(KeyValue::new("session.id", "customer-01")));
            span.end();
        }
        flush();
    }
}

/// The CPU seconds of all threads of this process.
pub(crate) fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux says what a process did");
    // The name of the program, in parentheses, may contain anything.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: f64 = fields[11..13].iter().map(|field| field.parse::<f64>().expect("a number")).sum();
    ticks / TICKS_A_SECOND
}

/// Accepts requests and answers 200 without reading them. It runs in this process, whose time does not count.
struct Receiver {
    endpoint: String,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || serve(&stream));
            }
        });
        Self { endpoint }
    }
}

/// Keeps the connection open, as receivers do.
fn serve(stream: &TcpStream) {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or_default() == 0 {
                return;
            }
            let line = line.to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        if writer.write_all(answer).is_err() {
            return;
        }
    }
}
