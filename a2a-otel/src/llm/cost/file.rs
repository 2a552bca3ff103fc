//! Reads a file of the user's own prices.
//!
//! It has the form that the crate `genai-prices` reads, which is also that of the price list on the web. What a short
//! file may leave out is added: the name and the address of a provider, and the pattern of a model with one name. A
//! provider or model that cannot be used is left out and reported; the others count.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs;
use std::path::Path;

use genai_prices::Calculator;
use serde_json::{Value, json};

/// The user's own prices.
pub(crate) struct OwnPrices {
    pub(super) calculator: Calculator,
    /// The models with prices of tokens, as `provider/model`. Others cost nothing because they are billed otherwise.
    pub(super) per_token: BTreeSet<String>,
}

/// Why prices are not used.
pub(crate) enum Refusal {
    /// None of the file.
    File(String),
    /// A provider or a model.
    Row(String),
}

/// Reads what can be used of a file.
pub(crate) fn read(path: &Path) -> (Option<OwnPrices>, Vec<Refusal>) {
    let refused = |why: &dyn Display| {
        let path = path.display();
        (
            None,
            vec![Refusal::File(format!(
                "the prices in {path} are ignored: {why}; fix A2A_OTEL_PRICES or the file"
            ))],
        )
    };
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) => return refused(&error),
    };
    let rows: Value = match serde_json::from_slice(&text) {
        Ok(rows) => rows,
        Err(error) => return refused(&format_args!("it is not JSON: {error}")),
    };
    let Value::Array(providers) = rows else { return refused(&"it is not a list of providers") };
    let mut reading = Reading { path, providers: Vec::new(), refusals: Vec::new() };
    providers.into_iter().enumerate().for_each(|(index, provider)| reading.provider(index, provider));
    reading.finish()
}

struct Reading<'a> {
    path: &'a Path,
    providers: Vec<Value>,
    refusals: Vec<Refusal>,
}

impl Reading<'_> {
    fn provider(&mut self, index: usize, mut provider: Value) {
        let place = format!("[{index}]");
        let Some(fields) = provider.as_object_mut() else {
            return self.refuse(&place, &"it is not an object");
        };
        let Some(id) = fields.get("id").and_then(Value::as_str).map(str::to_owned) else {
            return self.refuse(&place, &"it has no \"id\"");
        };
        fields.entry("name").or_insert_with(|| id.clone().into());
        // It matches no address: providers are found by name.
        fields.entry("api_pattern").or_insert_with(|| "[^\\s\\S]".into());
        let models = match fields.insert("models".to_owned(), json!([])) {
            None => Vec::new(),
            Some(Value::Array(models)) => models,
            Some(_) => return self.refuse(&format!("{place}.models"), &"it is not a list"),
        };
        if self.providers.iter().any(|known| known["id"] == *id) {
            return self.refuse(&place, &format_args!("the provider {id:?} is there already"));
        }
        if let Err(error) = with_models(&provider, &[]) {
            return self.refuse(&place, &error);
        }
        let models = self.models(&provider, &place, models);
        provider["models"] = models.into();
        self.providers.push(provider);
    }

    fn models(&mut self, provider: &Value, place: &str, mut models: Vec<Value>) -> Vec<Value> {
        models.iter_mut().for_each(complete);
        if with_models(provider, &models).is_ok() {
            return models;
        }
        let mut usable: Vec<Value> = Vec::new();
        for (index, model) in models.into_iter().enumerate() {
            let place = format!("{place}.models[{index}]");
            if usable.iter().any(|known| known["id"] == model["id"]) {
                self.refuse(&place, &format_args!("the model {} is there already", model["id"]));
            } else if let Err(error) = with_models(provider, std::slice::from_ref(&model)) {
                self.refuse(&place, &error);
            } else {
                usable.push(model);
            }
        }
        usable
    }

    fn refuse(&mut self, place: &str, why: &dyn Display) {
        let path = self.path.display();
        self.refusals.push(Refusal::Row(format!(
            "{place} of the prices in {path} is left out: {why}; the rest of the file is used"
        )));
    }

    fn finish(mut self) -> (Option<OwnPrices>, Vec<Refusal>) {
        let per_token = self.providers.iter().flat_map(priced_per_token).collect();
        match Calculator::from_json(Value::Array(self.providers).to_string()) {
            Ok(calculator) => (Some(OwnPrices { calculator, per_token }), self.refusals),
            Err(error) => {
                let path = self.path.display();
                self.refusals.push(Refusal::File(format!(
                    "the prices in {path} are ignored: {error}; fix A2A_OTEL_PRICES or the file"
                )));
                (None, self.refusals)
            }
        }
    }
}

/// Adds the pattern that a model with one name needs.
fn complete(model: &mut Value) {
    let id = model["id"].clone();
    if let (Some(fields), true) = (model.as_object_mut(), id.is_string()) {
        fields.entry("match").or_insert_with(|| json!({"equals": id}));
    }
}

/// Whether a provider with these models can be used.
fn with_models(provider: &Value, models: &[Value]) -> Result<(), genai_prices::Error> {
    let mut provider = provider.clone();
    provider["models"] = models.into();
    Calculator::from_json(json!([provider]).to_string()).map(drop)
}

fn priced_per_token(provider: &Value) -> Vec<String> {
    let models = provider["models"].as_array().map(Vec::as_slice).unwrap_or_default();
    let priced = models.iter().filter(|model| has_token_price(&model["prices"]));
    priced.map(|model| key(text(&provider["id"]), text(&model["id"]))).collect()
}

/// Whether prices, or one of several that hold at different times, are for tokens.
fn has_token_price(prices: &Value) -> bool {
    match prices {
        Value::Array(prices) => prices.iter().any(|one| has_token_price(&one["prices"])),
        Value::Object(prices) => prices.keys().any(|key| key.ends_with("_mtok")),
        _ => false,
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The key of [`OwnPrices::per_token`].
pub(super) fn key(provider: &str, model: &str) -> String {
    format!("{provider}/{model}")
}
