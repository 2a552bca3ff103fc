//! The answers of the built-in model: rules for the conversation so far, one set for each agent.
//!
//! The tools that a request offers show which agent it comes from.

use async_openai::types::chat::{
    ChatCompletionMessageToolCalls, ChatCompletionRequestMessage as Message,
    ChatCompletionRequestToolMessageContent as ToolContent,
    ChatCompletionRequestUserMessageContent as UserContent, ChatCompletionTools, CreateChatCompletionRequest,
};
use serde_json::{Value, json};

use crate::products::{CATEGORIES, Category};

/// What the model does next.
pub(crate) enum Move {
    Say(String),
    Call(Vec<Call>),
}

/// A tool call that the model requests.
pub(crate) struct Call {
    pub(crate) tool: &'static str,
    pub(crate) arguments: Value,
}

/// A conversation as the rules see it: the request, the tools, and their results.
pub(crate) struct Talk<'a> {
    wish: &'a str,
    tools: Vec<&'a str>,
    results: Vec<Answer<'a>>,
}

struct Answer<'a> {
    tool: &'a str,
    text: &'a str,
}

type Rule = fn(&Talk<'_>) -> Move;

/// The tool that identifies an agent, and the agent's rule.
const RULES: [(&str, Rule); 6] = [
    ("ask_product_agent", coordinate),
    ("search_products", find_products),
    ("check_stock", mind_stock),
    ("record_sale", sell),
    ("researcher", manage),
    ("population", research),
];

/// What a request to judge an answer says.
const JUDGES: &str = "answer with json alone";

type Phrase = fn(&Value) -> String;

/// How a tool's result is put into words. The results of other tools are text already.
const PHRASES: [(&str, Phrase); 5] = [
    ("search_products", say_found),
    ("check_stock", say_stock),
    ("reserve_stock", say_reserved),
    ("record_sale", say_sold),
    ("sales_report", say_report),
];

impl<'a> Talk<'a> {
    pub(crate) fn of(request: &'a CreateChatCompletionRequest) -> Self {
        Self {
            wish: request.messages.iter().rev().find_map(user_text).unwrap_or_default(),
            tools: request.tools.iter().flatten().filter_map(tool_name).collect(),
            results: request.messages.iter().filter_map(|message| answer(request, message)).collect(),
        }
    }

    pub(crate) fn says(&self, phrase: &str) -> bool {
        self.wish.to_lowercase().contains(phrase)
    }

    pub(crate) fn offers(&self, tool: &str) -> bool {
        self.tools.contains(&tool)
    }

    pub(crate) fn next_move(&self) -> Move {
        let rule = RULES.iter().find(|(tool, _)| self.offers(tool)).map(|(_, rule)| rule);
        match rule {
            Some(rule) => rule(self),
            None if self.says(JUDGES) => judge(self.wish),
            None => Move::Say(format!("You said: {}", self.wish)),
        }
    }

    fn report(&self) -> Move {
        Move::Say(self.results.iter().map(Answer::in_words).collect::<Vec<_>>().join("\n"))
    }
}

impl Answer<'_> {
    fn in_words(&self) -> String {
        let phrase = PHRASES.iter().find(|(tool, _)| *tool == self.tool);
        match (phrase, serde_json::from_str(self.text)) {
            (Some((_, phrase)), Ok(value)) => phrase(&value),
            (Some(_), Err(_)) => format!("That cannot be done: {}.", self.text),
            (None, _) => self.text.to_owned(),
        }
    }
}

// The agents' rules.

fn coordinate(talk: &Talk<'_>) -> Move {
    match talk.results.as_slice() {
        [] => delegate(talk),
        [stock] if talk.says("buy") => match ids(stock.text, "R-").next() {
            Some(reservation) => ask("ask_sales_agent", &format!("Sell reservation {reservation}.")),
            None => talk.report(),
        },
        [found] if talk.says("stock") && found.tool == "ask_product_agent" => {
            match ids(found.text, "P-").next() {
                Some(product) => ask("ask_inventory_agent", &format!("Is {product} in stock?")),
                None => talk.report(),
            }
        }
        _ => talk.report(),
    }
}

fn delegate(talk: &Talk<'_>) -> Move {
    let product = ids(talk.wish, "P-").next();
    match product {
        _ if talk.says("report") || talk.says("reservation") => ask("ask_sales_agent", talk.wish),
        Some(product) if talk.says("buy") => {
            ask("ask_inventory_agent", &format!("Reserve {} of {product}.", quantity(talk.wish)))
        }
        Some(_) => ask("ask_inventory_agent", talk.wish),
        None if talk.says("compare") => compare(talk),
        None => ask("ask_product_agent", talk.wish),
    }
}

fn compare(talk: &Talk<'_>) -> Move {
    let question = |category: &Category| json!({ "question": format!("Find {}.", category.name) });
    let call = |category| Call { tool: "ask_product_agent", arguments: question(category) };
    call_each(categories(talk.wish).map(call))
}

fn find_products(talk: &Talk<'_>) -> Move {
    if !talk.results.is_empty() {
        return talk.report();
    }
    let query = categories(talk.wish).next().map_or_else(|| last_word(talk.wish), |category| category.noun);
    call("search_products", json!({ "query": query, "max_price": number_after(talk.wish, "under") }))
}

fn mind_stock(talk: &Talk<'_>) -> Move {
    if !talk.results.is_empty() {
        return talk.report();
    }
    let products = ids(talk.wish, "P-");
    if talk.says("reserve") {
        let quantity = quantity(talk.wish);
        let wanted = |id| json!({ "product_id": id, "quantity": quantity });
        return call_each(products.map(|id| Call { tool: "reserve_stock", arguments: wanted(id) }));
    }
    let check = |id| Call { tool: "check_stock", arguments: json!({ "product_id": id }) };
    call_each(products.map(check))
}

fn sell(talk: &Talk<'_>) -> Move {
    match ids(talk.wish, "R-").next() {
        _ if !talk.results.is_empty() => talk.report(),
        _ if talk.says("report") => call("sales_report", json!({})),
        Some(reservation) => call("record_sale", json!({ "reservation_id": reservation })),
        None => Move::Say("I sell reservations and report sales.".into()),
    }
}

fn manage(talk: &Talk<'_>) -> Move {
    match talk.results.as_slice() {
        [] => call("researcher", json!({ "task": talk.wish })),
        [report, ..] => conclude(report.text),
    }
}

fn research(talk: &Talk<'_>) -> Move {
    match talk.results.as_slice() {
        [] => call("population", json!({ "city": last_name(talk.wish) })),
        [people] if talk.says("doubled") => match people.text.parse::<u32>() {
            Ok(people) => call("multiply", json!({ "a": people, "b": 2 })),
            Err(_) => conclude(people.text),
        },
        [people] => conclude(people.text),
        [people, doubled, ..] => conclude(&format!("{} people; doubled {}", people.text, doubled.text)),
    }
}

/// An answer helps if it names a product or figures.
fn judge(request: &str) -> Move {
    let answer = request.split_once("<output>").map_or(request, |(_, rest)| rest);
    let answer = answer.split_once("</output>").map_or(answer, |(answer, _)| answer);
    let verdict = if ["P-", "euros"].iter().any(|sign| answer.contains(sign)) {
        json!({ "explanation": "It names products or figures.", "label": "helpful" })
    } else {
        json!({ "explanation": "It names neither a product nor a figure.", "label": "unhelpful" })
    };
    Move::Say(verdict.to_string())
}

fn conclude(answer: &str) -> Move {
    call("final_answer", json!({ "answer": answer }))
}

fn ask(tool: &'static str, question: &str) -> Move {
    call(tool, json!({ "question": question }))
}

fn call(tool: &'static str, arguments: Value) -> Move {
    Move::Call(vec![Call { tool, arguments }])
}

fn call_each(calls: impl Iterator<Item = Call>) -> Move {
    let calls: Vec<_> = calls.collect();
    if calls.is_empty() { Move::Say("Which products do you mean?".into()) } else { Move::Call(calls) }
}

// Results as text.

fn say_found(found: &Value) -> String {
    let products = found["products"].as_array().map(Vec::as_slice).unwrap_or_default();
    if products.is_empty() {
        return "No product matches.".into();
    }
    let lines = products.iter().map(|product| {
        format!(
            "{} {} for {:.2} euros",
            text(&product["id"]),
            text(&product["name"]),
            number(&product["price"])
        )
    });
    format!("Found: {}.", lines.collect::<Vec<_>>().join("; "))
}

fn say_stock(stock: &Value) -> String {
    let (id, name) = (text(&stock["product_id"]), text(&stock["name"]));
    match stock["available"].as_u64() {
        None | Some(0) => format!("{id} ({name}) is sold out."),
        Some(available) => format!("{id} ({name}): {available} in stock."),
    }
}

fn say_reserved(reserved: &Value) -> String {
    let (id, product) = (text(&reserved["reservation_id"]), text(&reserved["product_id"]));
    format!("Reserved {} of {product} as {id}, {} left.", reserved["quantity"], reserved["left"])
}

fn say_sold(order: &Value) -> String {
    let (id, product) = (text(&order["order_id"]), text(&order["product_id"]));
    format!("Sold {} of {product} as {id} for {:.2} euros.", order["quantity"], number(&order["total"]))
}

fn say_report(report: &Value) -> String {
    let sold = format!("{} orders, {:.2} euros so far.\n", report["orders"], number(&report["revenue"]));
    let categories = report["categories"].as_array().map(Vec::as_slice).unwrap_or_default();
    let line = |sales: &Value| {
        let (category, revenue) = (text(&sales["category"]), number(&sales["revenue"]));
        format!(
            "{category}: {} orders, {revenue:.2} euros, {} sold out\n",
            sales["orders"], sales["sold_out"]
        )
    };
    categories.iter().fold(sold, |report, sales| report + &line(sales))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

// Reading the customers' requests.

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '-').filter(|word| !word.is_empty())
}

fn ids<'a>(text: &'a str, prefix: &'static str) -> impl Iterator<Item = &'a str> {
    words(text).filter(move |word| word.strip_prefix(prefix).is_some_and(|rest| rest.parse::<u32>().is_ok()))
}

fn quantity(text: &str) -> u32 {
    words(text).find_map(|word| word.parse().ok()).unwrap_or(1)
}

fn number_after(text: &str, word: &str) -> Option<f64> {
    words(text).skip_while(|next| *next != word).nth(1)?.parse().ok()
}

fn last_word(text: &str) -> &str {
    words(text).last().unwrap_or_default()
}

fn last_name(text: &str) -> &str {
    words(text).filter(|word| word.starts_with(char::is_uppercase)).last().unwrap_or_default()
}

fn categories(text: &str) -> impl Iterator<Item = &'static Category> {
    let text = text.to_lowercase();
    CATEGORIES
        .iter()
        .filter(move |category| words(&text).any(|word| [category.name, category.noun].contains(&word)))
}

// Reading requests to the model.

fn user_text(message: &Message) -> Option<&str> {
    match message {
        Message::User(user) => match &user.content {
            UserContent::Text(text) => Some(text),
            UserContent::Array(_) => None,
        },
        _ => None,
    }
}

fn tool_name(tool: &ChatCompletionTools) -> Option<&str> {
    match tool {
        ChatCompletionTools::Function(tool) => Some(&tool.function.name),
        ChatCompletionTools::Custom(_) => None,
    }
}

fn answer<'a>(request: &'a CreateChatCompletionRequest, message: &'a Message) -> Option<Answer<'a>> {
    let Message::Tool(result) = message else { return None };
    let ToolContent::Text(text) = &result.content else { return None };
    let tool = request.messages.iter().find_map(|message| called_tool(message, &result.tool_call_id))?;
    Some(Answer { tool, text })
}

fn called_tool<'a>(message: &'a Message, id: &str) -> Option<&'a str> {
    let Message::Assistant(assistant) = message else { return None };
    assistant.tool_calls.iter().flatten().find_map(|call| match call {
        ChatCompletionMessageToolCalls::Function(call) if call.id == id => Some(call.function.name.as_str()),
        _ => None,
    })
}
