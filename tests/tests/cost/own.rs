//! Prices of one's own, before those of the list.

use std::fs;
use std::path::PathBuf;

use a2a_otel::{InitError, Telemetry};
use serde_json::{Value, json};

use super::{asked, assert_close, cost, in_own_process, messages};

const VARIABLE: &str = "A2A_OTEL_PRICES";

/// Writes a file of prices for one test.
fn file(name: &str, content: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("prices");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{name}.json"));
    fs::write(&path, content).unwrap();
    path
}

/// Runs a test with these prices in a process of its own.
#[track_caller]
fn with_prices(test: &str, name: &str, content: &str) -> Option<String> {
    let path = file(name, content);
    in_own_process(&format!("own::{test}"), &[(VARIABLE, path.to_str().unwrap())])
}

fn dollars(provider: Option<&str>, model: &str, usage: &Value) -> Option<f64> {
    cost(&asked(provider, model, usage).0, "total")
}

/// A million tokens in, and a million out.
fn millions() -> Value {
    json!({"prompt_tokens": 1_000_000, "completion_tokens": 1_000_000})
}

#[test]
fn own_prices_come_first_and_the_list_has_the_rest() {
    let prices = json!([
        {"id": "openai", "models": [
            {"id": "gpt-4o", "prices": {"input_mtok": 1, "cache_read_mtok": 0.5, "output_mtok": 4}},
            {"id": "ours", "match": {"starts_with": "ft:gpt-4o:"}, "prices": {"input_mtok": 3, "output_mtok": 12}},
        ]},
        {"id": "ollama", "models": [
            {"id": "llama3.2", "prices": {"input_mtok": 0.1, "output_mtok": 0.2}},
            {"id": "qwen3", "prices": {"input_mtok": 0, "output_mtok": 0}},
            {"id": "dated", "prices": [{"prices": {"input_mtok": 0, "output_mtok": 0}}]},
            {"id": "unpriced", "prices": {}},
            {"id": "by-call", "prices": {"requests_kcount": 12}},
        ]},
        {"id": "azure", "models": [{"id": "our-deployment", "prices": {"input_mtok": 7, "output_mtok": 0}}]},
    ]);
    let test = "own_prices_come_first_and_the_list_has_the_rest";
    let Some(stderr) = with_prices(test, test, &prices.to_string()) else {
        let _telemetry = Telemetry::builder().tracing(false).init().unwrap();
        let cached = json!({
            "prompt_tokens": 1_000_000, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 400_000},
        });
        for (provider, model, usage, expected) in [
            (Some("openai"), "gpt-4o", millions(), 5.0),
            (Some("openai"), "gpt-4o", cached, 0.8),
            (Some("openai"), "ft:gpt-4o:shop", millions(), 15.0),
            (Some("openai"), "gpt-4o-mini", millions(), 0.75),
            (Some("ollama"), "llama3.2", millions(), 0.3),
            (Some("ollama"), "by-call", millions(), 0.012),
            (Some("azure.ai.openai"), "our-deployment", millions(), 7.0),
            (Some("azure"), "gpt-4o", millions(), 12.5),
            // Without a provider, the name of the model decides.
            (None, "llama3.2", millions(), 0.3),
            (None, "gpt-4o", millions(), 5.0),
        ] {
            println!("{provider:?} {model}");
            assert_close(dollars(provider, model, &usage), expected);
        }
        // A price of 0 that somebody gives is a price, also if there are several for different times. No price is none.
        for (model, is_priced) in [("qwen3", true), ("dated", true), ("unpriced", false)] {
            let (span, metrics) = asked(Some("ollama"), model, &millions());
            assert_eq!(cost(&span, "total"), is_priced.then_some(0.0), "{model}");
            let unpriced = metrics.get("gen_ai.client.unpriced_calls");
            assert_eq!(unpriced.is_none(), is_priced, "{model}: {unpriced:?}");
        }
        return;
    };
    assert_eq!(messages(&stderr), Vec::<&str>::new());
}

#[test]
fn prices_by_length_and_by_date() {
    let prices = json!([{"id": "openai", "models": [
        {"id": "long", "prices": {"input_mtok": {"base": 1, "tiers": [{"start": 1000, "price": 2}]}, "output_mtok": 0}},
        {"id": "later", "prices": [
            {"prices": {"input_mtok": 1, "output_mtok": 0}},
            {"constraint": {"start_date": "2999-01-01"}, "prices": {"input_mtok": 9, "output_mtok": 0}},
        ]},
        {"id": "since", "prices": [
            {"prices": {"input_mtok": 1, "output_mtok": 0}},
            {"constraint": {"start_date": "2020-01-01"}, "prices": {"input_mtok": 9, "output_mtok": 0}},
        ]},
    ]}]);
    let Some(_) = with_prices("prices_by_length_and_by_date", "conditions", &prices.to_string()) else {
        let _telemetry = Telemetry::builder().tracing(false).init().unwrap();
        let prompt = |tokens: u64| json!({"prompt_tokens": tokens, "completion_tokens": 0});
        assert_close(dollars(Some("openai"), "long", &prompt(1_000)), 0.001);
        assert_close(dollars(Some("openai"), "long", &prompt(2_000)), 0.004);
        assert_close(dollars(Some("openai"), "later", &prompt(1_000_000)), 1.0);
        assert_close(dollars(Some("openai"), "since", &prompt(1_000_000)), 9.0);
        return;
    };
}

#[test]
fn a_file_that_code_names_comes_before_the_variable() {
    let prices = |price: u32| {
        json!([{"id": "openai", "models": [{"id": "m", "prices": {"input_mtok": price, "output_mtok": 0}}]}])
            .to_string()
    };
    let test = "a_file_that_code_names_comes_before_the_variable";
    let Some(_) = with_prices(test, "variable", &prices(1)) else {
        let path = file("code", &prices(2));
        let telemetry = Telemetry::builder().prices(&path).tracing(false).init().unwrap();
        assert_eq!(telemetry.settings().prices.as_ref(), Some(&path));
        assert_close(dollars(Some("openai"), "m", &millions()), 2.0);
        return;
    };
}

#[test]
fn a_bad_row_is_reported_with_its_place_and_the_rest_is_used() {
    let good = json!({"id": "good", "prices": {"input_mtok": 1, "output_mtok": 1}});
    let prices = json!([
        {"id": "openai", "models": [
            good,
            {"id": "negative", "prices": {"input_mtok": -1, "output_mtok": 1}},
            {"id": "words", "prices": {"input_mtok": "cheap"}},
            {"prices": {"input_mtok": 1}},
            {"id": "good", "prices": {"input_mtok": 2, "output_mtok": 2}},
            {"id": "regex", "match": {"regex": "("}, "prices": {"input_mtok": 1}},
            {"id": "no input", "prices": {"cache_read_mtok": 1}},
            7,
        ]},
        "a provider",
        {"name": "without id"},
        {"id": "OpenAI", "models": []},
        {"id": "openai", "models": [good]},
        {"id": "mine", "models": {"good": 1}},
        {"id": "yours", "models": [good]},
    ]);
    let test = "a_bad_row_is_reported_with_its_place_and_the_rest_is_used";
    let Some(stderr) = with_prices(test, "rows", &prices.to_string()) else {
        let _telemetry = Telemetry::builder().tracing(false).start();
        assert_close(dollars(Some("openai"), "good", &millions()), 2.0);
        assert_close(dollars(Some("yours"), "good", &millions()), 2.0);
        assert_close(dollars(Some("openai"), "gpt-4o-mini", &millions()), 0.75);
        return;
    };
    let messages = messages(&stderr);
    let places = [
        "[0].models[1]",
        "[0].models[2]",
        "[0].models[3]",
        "[0].models[4]",
        "[0].models[5]",
        "[0].models[6]",
        "[0].models[7]",
        "[1]",
        "[2]",
        "[3]",
        "[4]",
        "[5].models",
    ];
    for place in places {
        let said =
            messages.iter().filter(|line| line.contains(&format!(": {place} of the prices in "))).count();
        assert_eq!(said, 1, "{place}: {stderr}");
    }
    assert_eq!(messages.len(), places.len(), "{stderr}");
    assert!(
        messages
            .iter()
            .all(|line| line.contains("rows.json") && line.contains("the rest of the file is used"))
    );
}

#[test]
fn a_file_that_cannot_be_read_is_reported_and_the_list_holds() {
    let test = "own::a_file_that_cannot_be_read_is_reported_and_the_list_holds";
    let missing = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("no-such-prices.json");
    let broken = file("broken", "[\n  {\"id\": \"openai\"},\n]");
    let object = file("object", "{\"openai\": {}}");
    for (path, why) in [
        (&missing, "No such file"),
        (&broken, "it is not JSON: trailing comma at line 3 column 1"),
        (&object, "it is not a list of providers"),
    ] {
        let Some(stderr) = in_own_process(test, &[(VARIABLE, path.to_str().unwrap())]) else {
            let refused = Telemetry::builder().tracing(false).init();
            assert!(
                matches!(refused, Err(InitError::Malformed(cause)) if cause.contains("fix A2A_OTEL_PRICES"))
            );
            let _telemetry = Telemetry::builder().tracing(false).start();
            assert_close(dollars(Some("openai"), "gpt-4o-mini", &millions()), 0.75);
            return;
        };
        let [message] = messages(&stderr)[..] else { panic!("one message: {stderr}") };
        assert!(message.contains(path.to_str().unwrap()) && message.contains(why), "{message}");
    }
}
