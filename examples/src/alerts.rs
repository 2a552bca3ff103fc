//! A webhook for Alertmanager that prints each alert on a line, for those who try the marketplace.

use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;

#[derive(Deserialize)]
struct Message {
    alerts: Vec<Alert>,
}

#[derive(Deserialize)]
struct Alert {
    status: String,
    labels: Labels,
    #[serde(default)]
    annotations: Annotations,
}

#[derive(Deserialize)]
struct Labels {
    alertname: String,
    #[serde(default)]
    severity: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Annotations {
    summary: String,
    runbook_url: String,
}

/// The routes of the webhook.
pub fn router() -> Router {
    Router::new().route("/alerts", post(print))
}

async fn print(Json(message): Json<Message>) {
    for Alert { status, labels, annotations } in message.alerts {
        let Labels { alertname, severity } = labels;
        let Annotations { summary, runbook_url } = annotations;
        println!("{status}: {alertname} ({severity}): {summary}; {runbook_url}");
    }
}
