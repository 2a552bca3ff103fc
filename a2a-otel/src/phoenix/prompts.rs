//! Prompts that are kept in Phoenix.

mod template;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::template::RenderError;
use self::template::{Format, render, unsupported};
use super::client::{Client, data};
use super::{Answer, PhoenixError};
use crate::context::{Scope, with_prompt_template};
use crate::lock::lock;
use crate::percent::encode;
use crate::report::report;
use crate::telemetry::Handle;

/// How long a prompt is used without asking again, if the user says nothing else.
const TIME_TO_LIVE: Duration = Duration::from_secs(60);

/// A prompt is not worth a long wait: there is a fallback, or an older version.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long Phoenix is left alone after it has not answered.
const REST: Duration = Duration::from_secs(10);

/// The version of a prompt that is in the code.
const FALLBACK: &str = "fallback";

/// A prompt: messages with places for variables.
///
/// It is kept in Phoenix, so that people can change it without a release, and loaded by its name and tag. It is asked for
/// again after a minute; until then, loading takes no request. [`fallback`](PromptQuery::fallback) is what is used if Phoenix
/// cannot be asked.
///
/// ```
/// use a2a_otel::phoenix::Prompt;
///
/// # let telemetry = a2a_otel::Telemetry::builder().endpoint("http://127.0.0.1:9").tracing(false).init()?;
/// # #[a2a_otel::llm_call]
/// # fn ask(messages: &[a2a_otel::phoenix::PromptMessage]) -> String { messages[0].content().to_owned() }
/// let variables = serde_json::json!({"question": "How tall is the lamp?"});
/// let prompt = Prompt::named("answer-question").tag("production").fallback("Answer: {{question}}").load();
/// let messages = prompt.render(&variables)?;
/// // The spans below name the template, its version and the variables.
/// let answer = prompt.scope(&variables).run(|| ask(&messages));
/// # assert_eq!(answer, "Answer: How tall is the lamp?");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    name: String,
    version: String,
    messages: Vec<PromptMessage>,
    format: Format,
    model: Option<String>,
    parameters: Value,
}

/// A message of a prompt, before or after its variables have been filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PromptMessage {
    role: String,
    content: String,
}

/// Which prompt is meant.
#[derive(Clone, Debug)]
#[must_use]
pub struct PromptQuery {
    name: String,
    tag: Option<String>,
    time_to_live: Duration,
    client: Option<Client>,
}

/// Which prompt is meant, and what is used if it cannot be loaded.
#[derive(Clone, Debug)]
#[must_use]
pub struct PromptQueryWithFallback {
    query: PromptQuery,
    text: String,
}

/// A prompt that was asked for, or that could not be loaded.
struct Kept {
    /// Nothing, if it has never been loaded.
    prompt: Option<Prompt>,
    error: Option<PhoenixError>,
    /// When Phoenix was asked.
    asked: Instant,
}

/// The address of a Phoenix, and name and tag of a prompt.
type Key = (String, String, Option<String>);

/// Where a prompt is kept. It is locked while Phoenix is asked.
type Place = Arc<Mutex<Option<Kept>>>;

static KEPT: LazyLock<Mutex<HashMap<Key, Place>>> = LazyLock::new(Mutex::default);

impl Prompt {
    /// Names a prompt in Phoenix. Without a tag, its newest version is meant.
    pub fn named(name: impl Into<String>) -> PromptQuery {
        PromptQuery { name: name.into(), tag: None, time_to_live: TIME_TO_LIVE, client: None }
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns Phoenix's id of the version, or `fallback`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns whether this is the prompt in the code, and not one of Phoenix.
    #[must_use]
    pub fn is_fallback(&self) -> bool {
        self.version == FALLBACK
    }

    /// Returns the messages, with places for variables.
    #[must_use]
    pub fn messages(&self) -> &[PromptMessage] {
        &self.messages
    }

    /// Returns the messages as one text: the content of a single message, or a line for each message that begins with its
    /// role.
    #[must_use]
    pub fn template(&self) -> String {
        match self.messages.as_slice() {
            [message] => message.content.clone(),
            messages => {
                let lines = messages.iter().map(|message| format!("{}: {}", message.role, message.content));
                lines.collect::<Vec<_>>().join("\n")
            }
        }
    }

    /// Returns the names of the variables, in the order of their first use.
    #[must_use]
    pub fn variables(&self) -> Vec<String> {
        let mut names = Vec::new();
        for message in &self.messages {
            for name in self.format.variables(&message.content) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// Returns the model that the prompt was written for, if Phoenix knows one.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Returns the parameters of a call of that model, such as `{"temperature": 0.2}`, or null.
    #[must_use]
    pub fn parameters(&self) -> &Value {
        &self.parameters
    }

    /// Fills variables in: the fields of an object. A text is filled in as it is, another value as JSON. Variables that
    /// the prompt does not have are left out.
    ///
    /// # Errors
    ///
    /// If a variable of the prompt is missing, the variables are no object, or the prompt has a section or another tag of
    /// Mustache that is no variable.
    pub fn render(&self, variables: impl Serialize) -> Result<Vec<PromptMessage>, RenderError> {
        let fault = |reason| RenderError::new(&self.name, reason);
        let variables = match serde_json::to_value(variables) {
            Ok(Value::Object(variables)) => variables,
            Ok(Value::Null) => Map::new(),
            Ok(_) => return Err(fault("its variables are no object".to_owned())),
            Err(error) => return Err(fault(format!("its variables cannot be JSON: {error}"))),
        };
        if let Some(tag) = self.messages.iter().find_map(|message| unsupported(self.format, &message.content))
        {
            return Err(fault(format!("it has `{tag}`, and only variables can be filled in here")));
        }
        let missing: Vec<_> =
            self.variables().into_iter().filter(|name| !variables.contains_key(name)).collect();
        if !missing.is_empty() {
            let names = missing.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            return Err(fault(format!("there is no value for {names}")));
        }
        let rendered = self.messages.iter().map(|message| PromptMessage {
            role: message.role.clone(),
            content: render(self.format, &message.content, &variables),
        });
        Ok(rendered.collect())
    }

    /// Returns a scope whose spans name the prompt: `llm.prompt_template.template`, `.version` and `.variables`, as
    /// [`with_prompt_template`] sets them. Phoenix shows them with the span; it has no attribute that links
    /// a span to a prompt.
    pub fn scope(&self, variables: impl Serialize) -> Scope {
        with_prompt_template(self.template(), &self.version, variables)
    }

    fn fallback(name: &str, text: &str) -> Self {
        Prompt {
            name: name.to_owned(),
            version: FALLBACK.to_owned(),
            messages: vec![PromptMessage { role: "user".to_owned(), content: text.to_owned() }],
            format: Format::Mustache,
            model: None,
            parameters: Value::Null,
        }
    }
}

impl PromptMessage {
    /// Returns who speaks: `system`, `user`, or what else the prompt has.
    #[must_use]
    pub fn role(&self) -> &str {
        &self.role
    }

    /// Returns what is said. Parts of a message that are no text are left out.
    #[must_use]
    pub fn content(&self) -> &str {
        &self.content
    }
}

impl PromptQuery {
    /// Asks for the version with this tag, such as `production`.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tag = Some(tag.into());
        self
    }

    /// Sets how long the prompt is used without asking again. The default is a minute. With zero, each call asks.
    pub fn time_to_live(mut self, time: Duration) -> Self {
        self.time_to_live = time;
        self
    }

    /// Asks this client. By default, the Phoenix is asked that spans are sent to, or else the one that the environment
    /// names.
    pub fn client(mut self, client: &Client) -> Self {
        self.client = Some(client.clone());
        self
    }

    /// Sets a prompt that is used if none can be loaded: the text of a single message of the user, with variables as in
    /// `{{question}}`.
    pub fn fallback(self, text: impl Into<String>) -> PromptQueryWithFallback {
        PromptQueryWithFallback { query: self, text: text.into() }
    }

    /// Loads the prompt, or returns the one that was loaded before, if it is young enough or Phoenix cannot be asked. It
    /// blocks for at most a few seconds.
    ///
    /// # Errors
    ///
    /// If Phoenix has no such prompt, or cannot be asked and never answered before.
    pub fn load(&self) -> Result<Prompt, PhoenixError> {
        self.look_up().0
    }

    /// Loads the prompt, and says whether Phoenix was asked for it just now.
    fn look_up(&self) -> (Result<Prompt, PhoenixError>, bool) {
        let client = match self.known_client() {
            Ok(client) => client.within(PATIENCE),
            Err(error) => return (Err(error), true),
        };
        let place = {
            let key = (client.page(""), self.name.clone(), self.tag.clone());
            Arc::clone(lock(&KEPT).entry(key).or_default())
        };
        // Held while Phoenix is asked, so that it is asked once.
        let mut kept = lock(&place);
        if let Some(kept) = &*kept
            && kept.is_fresh(self.time_to_live)
        {
            return (kept.answer(), false);
        }
        let before = kept.take().and_then(|kept| kept.prompt);
        let now = kept.insert(self.ask(&client, before));
        (now.answer(), true)
    }

    /// Asks Phoenix. What was loaded before is kept if Phoenix cannot be asked, but not if it has no such prompt any more.
    fn ask(&self, client: &Client, before: Option<Prompt>) -> Kept {
        let asked = Instant::now();
        match self.fetch(client) {
            Ok(prompt) => Kept { prompt: Some(prompt), error: None, asked },
            Err(error) => {
                let is_gone = matches!(error, PhoenixError::Rejected { status: 404 | 422, .. });
                let prompt = before.filter(|_| !is_gone);
                if let Some(prompt) = &prompt {
                    let name = &self.name;
                    report(&format_args!(
                        "the prompt `{name}` cannot be loaded again: {error}; version {} is still used",
                        prompt.version
                    ));
                }
                Kept { prompt, error: Some(error), asked }
            }
        }
    }

    fn fetch(&self, client: &Client) -> Result<Prompt, PhoenixError> {
        let name = encode(&self.name);
        let path = match &self.tag {
            Some(tag) => format!("/v1/prompts/{name}/tags/{}", encode(tag)),
            None => format!("/v1/prompts/{name}/latest"),
        };
        client.get::<Answer<StoredPrompt>>(&path).map(|answer| data(answer).named(&self.name))
    }

    fn known_client(&self) -> Result<Client, PhoenixError> {
        match (&self.client, Handle::installed()) {
            (Some(client), _) => Ok(client.clone()),
            (None, Some(telemetry)) => Client::new(telemetry.settings()),
            (None, None) => Client::from_env(),
        }
    }
}

impl PromptQueryWithFallback {
    /// Loads the prompt as [`PromptQuery::load`] does. If there is none, the fallback is returned, and a message on standard
    /// error says why each time that Phoenix was asked.
    #[must_use]
    pub fn load(&self) -> Prompt {
        let Self { query, text } = self;
        let (loaded, is_new) = query.look_up();
        loaded.unwrap_or_else(|error| {
            if is_new {
                let name = &query.name;
                report(&format_args!("the prompt `{name}` cannot be loaded: {error}; the fallback is used"));
            }
            Prompt::fallback(&query.name, text)
        })
    }
}

impl Kept {
    /// Whether Phoenix need not be asked again. If it has not answered, it is left alone for a while.
    fn is_fresh(&self, time_to_live: Duration) -> bool {
        let time = if self.error.is_some() { REST.min(time_to_live) } else { time_to_live };
        self.asked.elapsed() < time
    }

    fn answer(&self) -> Result<Prompt, PhoenixError> {
        match (&self.prompt, &self.error) {
            (Some(prompt), _) => Ok(prompt.clone()),
            (None, Some(error)) => Err(error.clone()),
            (None, None) => Err(PhoenixError::NoPhoenix),
        }
    }
}

/// A version of a prompt, as Phoenix has it.
#[derive(Deserialize)]
struct StoredPrompt {
    id: String,
    model_name: Option<String>,
    template: StoredTemplate,
    template_format: Format,
    #[serde(default)]
    invocation_parameters: Value,
}

#[derive(Deserialize)]
struct StoredTemplate {
    #[serde(default)]
    messages: Vec<StoredMessage>,
}

#[derive(Deserialize)]
struct StoredMessage {
    role: String,
    content: Content,
}

/// What a message says: a text, or parts.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

/// A part of a message. Only a text has one.
#[derive(Deserialize)]
struct Part {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    text: String,
}

impl StoredPrompt {
    fn named(self, name: &str) -> Prompt {
        let messages = self.template.messages.into_iter().map(|message| PromptMessage {
            role: message.role,
            content: match message.content {
                Content::Text(text) => text,
                Content::Parts(parts) => {
                    let texts = parts.into_iter().filter(|part| part.kind == "text").map(|part| part.text);
                    texts.collect::<Vec<_>>().join("\n")
                }
            },
        });
        // Phoenix keeps the parameters of each provider under the provider's name.
        let provider = self.invocation_parameters["type"].as_str().unwrap_or_default();
        Prompt {
            name: name.to_owned(),
            messages: messages.collect(),
            format: self.template_format,
            model: self.model_name,
            parameters: self.invocation_parameters[provider].clone(),
            version: self.id,
        }
    }
}
