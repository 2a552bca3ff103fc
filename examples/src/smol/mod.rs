//! A multi-step agent in the style of smolagents: a model that calls tools, and other agents, until it has an answer.
//!
//! Four functions carry an attribute macro, and make up the whole trace: an agent's run, a step of it, the call of the
//! model and the call of a tool. The span attributes have the names of OpenInference's instrumentation of smolagents.
//! `docs/agents.md` shows an agent and its trace.

mod memory;
mod model;
mod tool;

use std::pin::Pin;

use a2a_otel::record::{Attributes, Record};
use a2a_otel::{agent_span, chain_span, current, llm_call};
use async_openai::error::OpenAIError;
use async_openai::types::chat::{
    ChatCompletionMessageToolCall, ChatCompletionResponseMessage, ChatCompletionToolChoiceOption,
    ChatCompletionTools, CreateChatCompletionRequest, CreateChatCompletionResponse, ToolChoiceOptions,
};
use futures::future::join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::memory::Memory;
pub use self::model::Model;
pub use self::tool::{Failure, Tool, ToolError};
use crate::chat::{definition, function_calls};

const MOST_STEPS: usize = 20;
const FINAL_ANSWER: &str = "final_answer";
const INSTRUCTIONS: &str = "You solve a task in steps, and each step is one or more calls of your tools. What they \
                            give back is shown to you before the next step. When you know the answer, call \
                            final_answer with it; nothing else ends the task.";

/// Why a step or a whole run failed.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The model failed, which ends the run.
    #[error("the model did not answer; check its endpoint, key and limits")]
    Model(#[from] OpenAIError),
    /// The model neither acted nor answered.
    #[error("no tool was called; call one, or final_answer with the answer")]
    NoCall,
    /// The model called a tool that does not exist.
    #[error("there is no tool {0}; call one of those offered")]
    UnknownTool(String),
    /// A tool failed.
    #[error("{tool} failed")]
    Tool {
        /// The tool.
        tool: String,
        /// Its error.
        #[source]
        source: ToolError,
    },
    /// A managed agent failed.
    #[error("{agent} failed")]
    Agent {
        /// The agent.
        agent: String,
        /// Its error.
        #[source]
        source: Box<AgentError>,
    },
    /// The model kept calling tools.
    #[error("no answer after {0} steps; ask for less, or allow more")]
    OutOfSteps(usize),
}

/// An agent: a model, its tools, and the agents that it manages.
pub struct Agent<M> {
    name: String,
    description: String,
    model: M,
    tools: Vec<Tool>,
    final_answer: Tool,
    team: Vec<Agent<M>>,
    max_steps: usize,
}

/// Gives the final answer to the task.
#[derive(Deserialize, JsonSchema)]
struct FinalAnswer {
    /// All that is to be said.
    answer: String,
}

/// The task that a manager gives to an agent.
#[derive(Deserialize, JsonSchema)]
struct Assignment {
    /// What to do, with all that the agent has to know.
    task: String,
}

/// The agents that an agent manages. The names of their attributes depend on their number, which is known only at run
/// time.
struct Team<'a, M>(&'a [Agent<M>]);

impl<M> Record for Team<'_, M> {
    fn record(&self, attributes: &mut Attributes) {
        for (index, agent) in self.0.iter().enumerate() {
            let key = |field| format!("smolagents.managed_agents.{index}.{field}");
            attributes.push(key("name"), agent.name.clone());
            attributes.push(key("description"), agent.description.clone());
        }
    }
}

/// The result of a step.
#[derive(Serialize)]
#[serde(untagged)]
enum Progress {
    Observed(String),
    Answered(String),
}

impl<M: Model> Agent<M> {
    /// Creates an agent that has only the tool for the final answer. A manager chooses by the description.
    #[must_use]
    pub fn new(name: &str, description: &str, model: M) -> Self {
        let final_answer = Tool::new(FINAL_ANSWER, async |FinalAnswer { answer }| Ok(answer));
        Self {
            name: name.into(),
            description: description.into(),
            model,
            tools: Vec::new(),
            final_answer,
            team: Vec::new(),
            max_steps: MOST_STEPS,
        }
    }

    /// Adds a tool to the agent.
    #[must_use]
    pub fn tool(mut self, tool: Tool) -> Self {
        self.tools.push(tool);
        self
    }

    /// Adds another agent to manage, which this agent's model calls like a tool.
    #[must_use]
    pub fn manages(mut self, agent: Self) -> Self {
        self.team.push(agent);
        self
    }

    /// Sets how many steps a run may take; the default is 20.
    #[must_use]
    pub fn max_steps(mut self, max_steps: usize) -> Self {
        self.max_steps = max_steps;
        self
    }

    /// Works on a task until the model has an answer.
    ///
    /// # Errors
    ///
    /// When the model fails, or has no answer after the last step. Other failures are reported to the model, which can
    /// try again in the next step.
    pub async fn run(&self, task: &str) -> Result<String, AgentError> {
        self.work(task, None).await
    }

    /// Boxed, because a manager's future contains those of its agents.
    #[agent_span(
        name = format!("{}.run", self.name),
        agent = self.name,
        description = self.description,
        node = self.name,
        parent_node = manager,
        input = task,
        fields(
            "smolagents.task" = task,
            "smolagents.max_steps" = self.max_steps,
            "smolagents.tools_names" = self.tools().map(Tool::name).collect::<Vec<_>>(),
        )
    )]
    fn work<'a>(
        &'a self,
        task: &'a str,
        manager: Option<&'a str>,
    ) -> Pin<Box<dyn Future<Output = Result<String, AgentError>> + Send + 'a>> {
        Box::pin(async move {
            current().record(&Team(&self.team));
            let mut memory = Memory::new(INSTRUCTIONS, task);
            let answer = self.take_steps(&mut memory).await;
            memory.record_usage();
            answer
        })
    }

    async fn take_steps(&self, memory: &mut Memory) -> Result<String, AgentError> {
        for number in 1..=self.max_steps {
            match self.step(number, memory).await {
                Ok(Progress::Answered(answer)) => return Ok(answer),
                Err(error @ AgentError::Model(_)) => return Err(error),
                // The model reads the error of a failed step.
                Ok(Progress::Observed(_)) | Err(_) => {}
            }
        }
        Err(AgentError::OutOfSteps(self.max_steps))
    }

    #[chain_span(name = format!("Step {number}"), input = memory.latest())]
    async fn step(&self, number: usize, memory: &mut Memory) -> Result<Progress, AgentError> {
        let message = self.think(memory).await?;
        let calls = function_calls(&message);
        if calls.is_empty() {
            memory.correct(message, &AgentError::NoCall);
            return Err(AgentError::NoCall);
        }
        let results = join_all(calls.iter().map(|call| self.act(call, memory))).await;
        memory.observe(message, &calls, &results);
        let answer = calls.iter().position(|call| call.function.name == FINAL_ANSWER);
        let mut results: Vec<_> = results.into_iter().collect::<Result<_, _>>()?;
        Ok(match answer {
            Some(place) => Progress::Answered(results.swap_remove(place)),
            None => Progress::Observed(results.join("\n")),
        })
    }

    async fn think(&self, memory: &mut Memory) -> Result<ChatCompletionResponseMessage, AgentError> {
        let request = CreateChatCompletionRequest {
            model: self.model.name().into(),
            messages: memory.messages().to_vec(),
            tools: Some(self.definitions()),
            tool_choice: Some(ChatCompletionToolChoiceOption::Mode(ToolChoiceOptions::Required)),
            ..Default::default()
        };
        let response = self.generate(&request).await?;
        memory.count(response.usage.as_ref());
        Ok(response.choices.into_iter().next().map(|choice| choice.message).unwrap_or_default())
    }

    #[llm_call(name = format!("chat {}", request.model), request = request, provider = self.model.provider())]
    async fn generate(
        &self,
        request: &CreateChatCompletionRequest,
    ) -> Result<CreateChatCompletionResponse, OpenAIError> {
        self.model.generate(request).await
    }

    async fn act(&self, call: &ChatCompletionMessageToolCall, memory: &Memory) -> Result<String, AgentError> {
        let name = &call.function.name;
        if let Some(agent) = self.team.iter().find(|agent| agent.name == *name) {
            return self.delegate(agent, &call.function.arguments).await;
        }
        let tool = self.tools().find(|tool| tool.name() == name);
        let tool = tool.ok_or_else(|| AgentError::UnknownTool(name.clone()))?;
        let failed = |source| AgentError::Tool { tool: name.clone(), source };
        tool.call(&call.function.arguments, &call.id, memory.failures_of(name)).await.map_err(failed)
    }

    async fn delegate(&self, agent: &Self, arguments: &str) -> Result<String, AgentError> {
        let Assignment { task } = serde_json::from_str(arguments)
            .map_err(|error| AgentError::Tool { tool: agent.name.clone(), source: error.into() })?;
        let failed = |source| AgentError::Agent { agent: agent.name.clone(), source: Box::new(source) };
        agent.work(&task, Some(&self.name)).await.map_err(failed)
    }

    fn tools(&self) -> impl Iterator<Item = &Tool> {
        self.tools.iter().chain([&self.final_answer])
    }

    fn definitions(&self) -> Vec<ChatCompletionTools> {
        let team = self.team.iter().map(|agent| {
            let (_, parameters) = tool::schema::<Assignment>();
            definition(&agent.name, &agent.description, parameters)
        });
        self.tools().map(Tool::definition).chain(team).collect()
    }
}
