//! Tools: functions with one struct as argument, which a model fills in.

use std::error::Error;
use std::fmt::Display;

use a2a_otel::tool_span;
use async_openai::types::chat::ChatCompletionTools;
use futures::future::BoxFuture;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::chat::definition;

/// Any error of a tool.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Why a tool call failed.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The model's arguments do not match the tool's schema.
    #[error("the arguments do not fit; follow the tool's schema")]
    Arguments(#[from] serde_json::Error),
    /// The tool itself failed.
    #[error("{0}")]
    Failed(Failure),
}

type Call = dyn Fn(&str) -> BoxFuture<'static, Result<String, ToolError>> + Send + Sync;

/// A tool: a name, and a function that a model may call.
pub struct Tool {
    name: String,
    description: String,
    parameters: Value,
    call: Box<Call>,
}

impl Tool {
    /// Creates a tool that runs `body`. The model reads the doc comments of `Arguments`: the struct's comment describes
    /// the tool, and those of the fields describe its parameters.
    ///
    /// ```
    /// use a2a_otel_examples::smol::Tool;
    ///
    /// /// Population of a city.
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Population {
    ///     /// The city's name.
    ///     city: String,
    /// }
    ///
    /// let tool = Tool::new("population", async |Population { city }| match city.as_str() {
    ///     "Testville" => Ok(4242),
    ///     _ => Err("no such city".into()),
    /// });
    /// assert_eq!(tool.name(), "population");
    /// ```
    pub fn new<Arguments, Output, Future>(
        name: &str,
        body: impl Fn(Arguments) -> Future + Send + Sync + 'static,
    ) -> Self
    where
        Arguments: DeserializeOwned + JsonSchema,
        Output: Display,
        Future: std::future::Future<Output = Result<Output, Failure>> + Send + 'static,
    {
        let (description, parameters) = schema::<Arguments>();
        let call = move |arguments: &str| -> BoxFuture<'static, Result<String, ToolError>> {
            match serde_json::from_str(arguments) {
                Ok(arguments) => {
                    let output = body(arguments);
                    Box::pin(async {
                        output.await.map(|output| output.to_string()).map_err(ToolError::Failed)
                    })
                }
                Err(error) => Box::pin(async { Err(error.into()) }),
            }
        };
        Self { name: name.into(), description, parameters, call: Box::new(call) }
    }

    /// The name by which models call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn definition(&self) -> ChatCompletionTools {
        definition(&self.name, &self.description, self.parameters.clone())
    }

    #[tool_span(
        tool = self.name,
        description = self.description,
        id = id,
        json_schema = self.parameters,
        input = json(arguments),
        fields(
            "tool.parameters" = self.parameters["properties"],
            "smolagents.retry_count" = (failures > 0).then_some(failures),
        )
    )]
    pub(super) async fn call(&self, arguments: &str, id: &str, failures: usize) -> Result<String, ToolError> {
        (self.call)(arguments).await
    }
}

/// The description of a tool and the schema of its arguments, from the doc comments of its type.
pub(super) fn schema<Arguments: JsonSchema>() -> (String, Value) {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<Arguments>();
    schema.remove("title");
    let description = schema.remove("description").and_then(|text| text.as_str().map(str::to_owned));
    (description.unwrap_or_default(), schema.to_value())
}

/// Reads a model's arguments, which should be JSON.
fn json(arguments: &str) -> Value {
    serde_json::from_str(arguments).unwrap_or_else(|_| arguments.into())
}
