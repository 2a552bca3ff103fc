//! Tests against a server that answers as a test says. What the real Phoenix answers is tested through the public API.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroU32;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Instant, UNIX_EPOCH};

use serde_json::{Map, json};

use super::*;
use crate::annotation::AnnotatorKind;
use crate::phoenix::{NewExperiment, RemoteEvaluation, RemoteRun};

/// A scripted answer: status, further headers, body. Status 0 closes the connection instead.
type Scripted = (u16, &'static str, &'static str);

/// A request: method and path, and the body.
type Received = (String, Value);

/// Starts a server that gives these answers, one to each connection, and returns a client of it.
fn scripted(answers: &[Scripted]) -> (Client, Receiver<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answers = answers.to_vec();
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for (answer, connection) in answers.into_iter().zip(listener.incoming()) {
            let mut connection = connection.unwrap();
            // Before the answer, after which the test looks at what has arrived.
            let _ = sender.send(received(&connection));
            answer_with(&mut connection, answer);
        }
    });
    let overrides = Overrides { endpoint: Some(url), ..Overrides::default() };
    let settings = Settings::resolve(&overrides, &mut Environment::new(&|_| None), "agent");
    (Client::new(&settings).unwrap(), receiver)
}

fn received(connection: &TcpStream) -> Received {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut content = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut content).unwrap();
    let request = head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
    (request, serde_json::from_slice(&content).unwrap_or_default())
}

fn answer_with(connection: &mut TcpStream, (status, headers, body): Scripted) {
    if status != 0 {
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}");
        connection.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
    }
}

fn requests(received: &Receiver<Received>) -> Vec<String> {
    received.try_iter().map(|(request, _)| request).collect()
}

#[test]
fn a_phoenix_that_is_busy_or_gone_for_a_moment_is_asked_again() {
    let busy = [(503, "retry-after: 0\r\n", ""), (429, "", ""), (425, "", ""), (0, "", ""), (502, "", "")];
    let (client, received) =
        scripted(&[&busy[..], &[(408, "", ""), (504, "", ""), (200, "", "[1]")]].concat());
    assert_eq!(client.get::<Value>("/v1/x?y=1"), Ok(json!([1])));
    assert_eq!(requests(&received), ["GET /v1/x?y=1"; 8]);
}

#[test]
fn what_must_not_arrive_twice_is_sent_again_only_if_it_has_not_arrived() {
    let (client, received) = scripted(&[(503, "", ""), (429, "", ""), (200, "", "1")]);
    assert_eq!(client.post_once::<Value>("/v1/x", json!({})), Ok(json!(1)));
    assert_eq!(requests(&received).len(), 3);
    for uncertain in [0, 408, 502, 504] {
        let (client, received) = scripted(&[(uncertain, "", ""), (200, "", "1")]);
        assert!(client.post_once::<Value>("/v1/x", json!({})).is_err(), "{uncertain}");
        assert_eq!(requests(&received).len(), 1, "{uncertain}");
    }
}

#[test]
fn a_refusal_says_what_phoenix_says_and_is_not_repeated() {
    let fields =
        r#"{"detail":[{"loc":["body","inputs",0],"msg":"not an object"},{"loc":["query"],"msg":"no"}]}"#;
    for (status, headers, body, reason) in [
        (500, "", "Internal\nServer Error", "Internal Server Error"),
        (404, "", "No dataset", "No dataset"),
        (422, "", fields, "body.inputs.0: not an object; query: no"),
        (401, "", "the key sk-1 is wrong", "check PHOENIX_API_KEY"),
        (
            404,
            "content-type: text/html; charset=utf-8\r\n",
            "<html>",
            "it answers with a web page; check the endpoint",
        ),
    ] {
        let (client, received) = scripted(&[(status, headers, body), (200, "", "1")]);
        let request = "GET /v1/x".to_owned();
        let error = PhoenixError::Rejected { request, status, reason: reason.to_owned() };
        assert_eq!(client.get::<Value>("/v1/x?secret=1"), Err(error));
        assert_eq!(requests(&received).len(), 1, "{status}");
    }
}

#[test]
fn something_else_than_phoenix_is_recognised() {
    let (client, _) = scripted(&[(200, "content-type: text/html\r\n", "<html>")]);
    assert_eq!(client.get::<Value>("/v1/x"), Err(PhoenixError::NoPhoenix));
    let (client, _) = scripted(&[(200, "", "OK")]);
    assert!(matches!(client.get::<Value>("/v1/x"), Err(PhoenixError::Unreadable(_))));
}

#[test]
fn patience_ends() {
    let (client, received) = scripted(&[(503, "retry-after: 300\r\n", "busy"), (200, "", "1")]);
    let error = client.get::<Value>("/v1/x").unwrap_err();
    assert_eq!(error.to_string(), "Phoenix rejects GET /v1/x with status 503: busy");
    assert_eq!(requests(&received).len(), 1);
    let (client, _) = scripted(&[]);
    let error = client.with_patience(Duration::ZERO).get::<Value>("/v1/x").unwrap_err();
    assert!(matches!(error, PhoenixError::Unanswered(_)), "{error}");
}

fn run(output: &Value) -> RemoteRun<'_> {
    RemoteRun {
        example_node_id: "e=",
        repetition: 2,
        output,
        error: Some(""),
        start: UNIX_EPOCH,
        end: UNIX_EPOCH + Duration::from_millis(1500),
        trace_id: Some("0af7".to_owned()),
    }
}

#[test]
fn a_run_that_has_succeeded_is_looked_up() {
    let first =
        r#"{"data":[{"id":"r1","dataset_example_id":"e=","repetition_number":1}],"next_cursor":"c="}"#;
    let second =
        r#"{"data":[{"id":"r2","dataset_example_id":"e=","repetition_number":2}],"next_cursor":null}"#;
    let (client, received) = scripted(&[(409, "", "exists"), (200, "", first), (200, "", second)]);
    assert_eq!(client.post_run("x=", &run(&json!({"a": 1}))), Ok("r2".to_owned()));
    let received: Vec<_> = received.try_iter().collect();
    let body = json!({
        "dataset_example_id": "e=", "repetition_number": 2, "output": {"a": 1}, "error": null, "trace_id": "0af7",
        "start_time": "1970-01-01T00:00:00.000000+00:00", "end_time": "1970-01-01T00:00:01.500000+00:00",
    });
    assert_eq!(received[0], ("POST /v1/experiments/x%3D/runs".to_owned(), body));
    assert_eq!(received[2].0, "GET /v1/experiments/x%3D/runs?limit=1000&cursor=c%3D");
}

#[test]
fn an_evaluation_without_a_result_has_an_error() {
    let (client, received) = scripted(&[(200, "", r#"{"data":{"id":"v"}}"#)]);
    let evaluation = RemoteEvaluation {
        name: "exact",
        kind: AnnotatorKind::Code,
        start: UNIX_EPOCH,
        end: UNIX_EPOCH,
        score: None,
        label: None,
        explanation: None,
        error: Some("it failed"),
        metadata: Map::new(),
        trace_id: None,
    };
    assert_eq!(client.post_evaluation("r", &evaluation), Ok(()));
    let (_, body) = received.recv().unwrap();
    assert_eq!((&body["result"], &body["error"]), (&Value::Null, &json!("it failed")));
}

#[test]
fn an_experiment_is_created_with_its_repetitions_and_has_a_page() {
    let created = r#"{"data":{"id":"x","dataset_id":"d","dataset_version_id":"v","name":"a","repetitions":3,"project_name":"Experiment-1"}}"#;
    let (client, received) = scripted(&[(200, "", created)]);
    let experiment = NewExperiment {
        dataset_id: "d=",
        version_id: None,
        name: "a",
        description: None,
        metadata: Map::new(),
        repetitions: NonZeroU32::new(3).unwrap(),
        splits: Vec::new(),
    };
    let created = client.create_experiment(&experiment).unwrap();
    assert_eq!(created.project_name.as_deref(), Some("Experiment-1"));
    let (request, body) = received.recv().unwrap();
    assert_eq!((request.as_str(), &body["repetitions"]), ("POST /v1/datasets/d%3D/experiments", &json!(3)));
    let url = client.compare_url("d=", &["x", "y="]);
    assert!(url.ends_with("/datasets/d%3D/compare?experimentId=x&experimentId=y%3D"), "{url}");
}

#[test]
fn the_patience_holds_for_a_phoenix_that_does_not_answer() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let overrides = Overrides { endpoint: Some(url), ..Overrides::default() };
    let settings = Settings::resolve(&overrides, &mut Environment::new(&|_| None), "agent");
    let client = Client::new(&settings).unwrap().with_patience(Duration::from_millis(300));
    let begin = Instant::now();
    assert!(matches!(client.get::<Value>("/v1/x"), Err(PhoenixError::Unanswered(_))));
    // An attempt may take minutes otherwise.
    assert!(begin.elapsed() < ATTEMPT / 2);
}
