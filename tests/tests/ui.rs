//! Tests the attribute macros' error messages: one for each mistake, at the word to change. `TRYBUILD=overwrite`
//! updates them.

#[test]
fn mistakes_get_messages_that_teach() {
    trybuild::TestCases::new().compile_fail("ui/*.rs");
}
