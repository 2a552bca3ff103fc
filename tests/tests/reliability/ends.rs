//! How a process may end.

use a2a_otel::testing::Receiver;

use crate::agent::Agent;

#[test]
fn spans_arrive_however_the_process_ends() {
    for exit in ["shutdown", "drop", "process::exit", "panic"] {
        let receiver = Receiver::start();
        Agent::new(&receiver.endpoint(), &["spans=700", &format!("exit={exit}")]).run();
        assert_eq!(receiver.spans().len(), 700, "{exit}");
    }
}
