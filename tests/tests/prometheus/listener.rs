//! The listener, and strangers that connect to it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use a2a_otel::opentelemetry::global;
use a2a_otel::opentelemetry::metrics::AsyncInstrument;

use crate::{connect, exchange, get, in_own_process, lines, messages, quiet, scrape, served};

#[test]
fn requests_are_answered_as_http_asks() {
    if in_own_process("listener::requests_are_answered_as_http_asks", &[]).is_some() {
        return;
    }
    let (telemetry, address) = served();
    for (request, status) in [
        ("GET /metrics HTTP/1.0\r\n\r\n", "200"),
        ("GET / HTTP/1.0\r\n\r\n", "404"),
        ("POST /metrics HTTP/1.0\r\ncontent-length: 3\r\n\r\nabc", "405"),
        ("nonsense\r\n\r\n", "400"),
        (&format!("GET /metrics HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(10_000)), "431"),
    ] {
        let answer = exchange(address, request.as_bytes());
        assert_eq!(answer.status(), status, "{}", answer.head);
        assert!(answer.head.contains("connection: close") && !answer.body.is_empty(), "{}", answer.head);
    }
    assert!(exchange(address, b"POST /metrics HTTP/1.0\r\n\r\n").head.contains("allow: get, head"));
    let head = exchange(address, b"HEAD /metrics HTTP/1.0\r\n\r\n");
    assert!(head.body.is_empty() && !head.head.contains("content-length: 0"), "{}", head.head);
    // Two requests at once on one connection, and a third after their answers.
    let one = "GET /metrics HTTP/1.1\r\nhost: shop\r\n\r\n";
    let answers =
        exchange(address, format!("{one}{one}GET / HTTP/1.1\r\nconnection: close\r\n\r\n").as_bytes());
    let all = format!("{}{}", answers.head, answers.text());
    assert_eq!(all.to_ascii_lowercase().matches("http/1.1 200 ok").count(), 2, "{all}");
    assert!(answers.text().contains("404 Not Found"), "{all}");
    drop(telemetry);
    assert!(TcpStream::connect(address).is_err(), "it has ended");
}

#[test]
fn strangers_keep_nobody_out() {
    if in_own_process("listener::strangers_keep_nobody_out", &[]).is_some() {
        return;
    }
    let (_telemetry, address) = served();
    global::meter("shop").u64_counter("orders").build().add(1, &[]);
    let mut strangers = Vec::new();
    for number in 0..100 {
        let mut stranger = connect(address);
        // Some say nothing, some begin a request, and some read no answer.
        let say: &[u8] = match number % 4 {
            0 => b"",
            1 => b"GET /metr",
            2 => b"\x16\x03\x01",
            _ => b"GET /metrics HTTP/1.1\r\n\r\n",
        };
        let _ = stranger.write_all(say);
        strangers.push(stranger);
    }
    for _ in 0..5 {
        assert!(scrape(address, "text").contains("orders_total{"));
    }
    let threads = std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    assert!(threads < 60, "{threads} threads");
    // Drips: one byte now and then.
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let Ok(mut stranger) = TcpStream::connect(address) else { return };
                for byte in b"GET /metrics HTTP/1.1\r\nx: aaaaaaaaaaaaaaaaaaaaa" {
                    if stranger.write_all(&[*byte]).is_err() {
                        return;
                    }
                    thread::sleep(Duration::from_millis(20));
                }
            });
        }
        for _ in 0..5 {
            assert!(scrape(address, "openmetrics").contains("orders_total{"));
            thread::sleep(Duration::from_millis(100));
        }
    });
    drop(strangers);
    assert!(scrape(address, "text").contains("orders_total{"));
}

#[test]
fn an_unfinished_request_is_given_up() {
    if in_own_process("listener::an_unfinished_request_is_given_up", &[]).is_some() {
        return;
    }
    let (_telemetry, address) = served();
    let mut stranger = connect(address);
    stranger.write_all(b"GET /metrics HTTP/1.1\r\n").unwrap();
    let mut nothing = Vec::new();
    // Without a time-out, this would wait for longer than the test's own time-out allows.
    assert_eq!(stranger.read_to_end(&mut nothing).expect("it is closed"), 0);
}

#[test]
fn a_port_that_is_taken_is_reported_and_the_rest_works() {
    let test = "listener::a_port_that_is_taken_is_reported_and_the_rest_works";
    let Some(stderr) = in_own_process(test, &[]) else {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let telemetry = quiet().prometheus_listener(taken.local_addr().unwrap()).init().unwrap();
        assert_eq!(telemetry.prometheus_address(), None);
        global::meter("shop").u64_counter("orders").build().add(2, &[]);
        assert_eq!(telemetry.metrics().sum("orders").to_string(), "2");
        return;
    };
    let [message] = messages(&stderr)[..] else { panic!("one message: {stderr}") };
    assert!(message.contains("metrics are not served at http://127.0.0.1:"), "{message}");
}

#[test]
fn a_callback_that_hangs_does_not_hold_up_a_scrape() {
    let test = "listener::a_callback_that_hangs_does_not_hold_up_a_scrape";
    let Some(stderr) = in_own_process(test, &[]) else {
        let (telemetry, address) = served();
        let meter = global::meter("shop");
        meter.u64_counter("orders").build().add(1, &[]);
        assert!(scrape(address, "text").contains("orders_total{"));
        let hang = |_: &dyn AsyncInstrument<u64>| loop {
            thread::park();
        };
        meter.u64_observable_gauge("hanging").with_callback(hang).build();
        for format in ["", crate::OPEN_METRICS, ""] {
            let answer = get(address, &format!("X-Prometheus-Scrape-Timeout-Seconds: 0.5\r\n{format}"));
            assert_eq!(answer.status(), "200");
            assert_eq!(lines(answer.text(), "orders_total{"), ["orders_total{service_name=\"shop\"} 1"]);
        }
        // Nothing could be shut down.
        std::mem::forget(telemetry);
        return;
    };
    let said: Vec<_> = messages(&stderr);
    let is_expected = |message: &str| {
        message.contains("a callback of an observable instrument may hang")
            || message.contains("a callback of the metric \"hanging\" takes longer")
    };
    assert!((1..=2).contains(&said.len()) && said.iter().all(|message| is_expected(message)), "{stderr}");
}
