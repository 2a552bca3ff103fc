//! What the attributes say to mistakes: one error each, at the word to change. `TRYBUILD=overwrite` blesses.

#[test]
fn mistakes_get_messages_that_teach() {
    trybuild::TestCases::new().compile_fail("ui/*.rs");
}
