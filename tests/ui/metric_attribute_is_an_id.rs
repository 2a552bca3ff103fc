#[a2a_otel::business_metric(counter = "calls", attributes(task.id = 1, "a2a.message_id" = 2, sessionId = 3, kind = 4))]
#[a2a_otel::business_metric(counter = "traces", attributes("trace.id" = 1, user_id = 2))]
fn tool() {}

fn main() {
    tool();
}
