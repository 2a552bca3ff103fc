//! Tests that datasets are read from files and written into them, without any service.

use std::fs;
use std::path::PathBuf;

use a2a_otel::evaluation::{Columns, Dataset, DatasetError, Example};
use a2a_otel_tests::services::{unique, workshop};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A folder for one test.
fn folder(topic: &str) -> PathBuf {
    let folder = workshop().expect("a folder for tests").join("datasets").join(unique(topic));
    fs::create_dir_all(&folder).expect("a new folder");
    folder
}

fn read_back(dataset: &Dataset, name: &str) -> Dataset {
    let folder = folder("round");
    let file = folder.join(name);
    dataset.write(&file).unwrap_or_else(|error| panic!("{error}"));
    let read =
        Dataset::read(&file).unwrap_or_else(|error| panic!("{error}\n{:?}", fs::read_to_string(&file)));
    fs::remove_dir_all(folder).expect("the folder of this test");
    read
}

fn lamps() -> Dataset {
    Dataset::new("lamps")
        .with_description("What customers ask.")
        .with_example(
            Example::new(json!({"question": "How tall is it?", "article": 7}))
                .with_expected(json!({"answer": "40 cm"}))
                .with_metadata("level", 1)
                .in_split("train"),
        )
        .with_example(
            Example::new(json!({"question": "A \"lamp\",\r\nred?", "hint": null}))
                .with_metadata("source", "phone")
                .in_split("hard")
                .in_split("test")
                .with_span_id("53995c3f42cd8ad8")
                .with_id("second"),
        )
}

#[test]
fn files_of_each_kind_keep_the_examples() {
    assert_eq!(read_back(&lamps(), "other.json"), lamps(), "JSON has a name and a description");
    for name in ["lamps.jsonl", "lamps.ndjson", "lamps.CSV"] {
        assert_eq!(read_back(&lamps(), name), lamps().with_description(""), "{name}");
    }
}

#[test]
fn a_table_looks_as_a_person_would_write_it() {
    let folder = folder("table");
    lamps().write(folder.join("lamps.csv")).unwrap();
    let table = fs::read_to_string(folder.join("lamps.csv")).unwrap();
    let id = lamps().examples()[0].id().to_owned();
    let expected = format!(
        "id,input.question,input.article:json,input.hint:json,expected.answer,metadata.level:json,metadata.source,splits,span_id\n\
         {id},How tall is it?,7,,40 cm,1,,train,\n\
         second,\"A \"\"lamp\"\",\r\nred?\",,null,,,phone,\"[\"\"hard\"\",\"\"test\"\"]\",53995c3f42cd8ad8\n"
    );
    assert_eq!(table, expected);
}

#[test]
fn a_list_of_examples_is_named_after_its_file() {
    let folder = folder("named");
    fs::write(folder.join("lamps.json"), "\u{feff}[{\"input\": 1, \"output\": 2, \"split\": \"hard\"}]")
        .unwrap();
    let dataset = Dataset::read(folder.join("lamps.json")).unwrap();
    assert_eq!((dataset.name(), dataset.len()), ("lamps", 1));
    assert_eq!(dataset.in_split("hard").examples()[0].expected(), 2);
}

#[test]
fn lines_of_phoenix_can_be_read_and_its_tables_are_refused() {
    let line = json!({
        "id": "RGF0YXNldEV4YW1wbGU6MQ==", "node_id": "RGF0YXNldEV4YW1wbGU6MQ==", "input": {"q": "2+2"},
        "output": {"a": "4"}, "metadata": {}, "splits": ["train"],
    });
    let dataset = Dataset::from_json_lines("sums", &line.to_string()).unwrap();
    assert_eq!(dataset.examples()[0].expected(), &json!({"a": "4"}));
    let table = "id,node_id,input.q,output.a,metadata.lvl,splits\nex-1,RGF0,2+2,4,1,\"[\"\"train\"\"]\"\n";
    // The cells of its tables are texts, whatever the values were, and an upload would replace them.
    let error = Dataset::from_csv("sums", table, &Columns::default()).unwrap_err().to_string();
    assert!(error.contains("export the dataset as JSON lines"), "{error}");
}

#[test]
fn columns_are_named_in_code() {
    let table = "nr,frage,antwort,stufe:json,bemerkung\n7,Wie hoch?,40 cm,2,x\n8,Wie schwer?,,,\n";
    let columns = Columns::named().whole_input("frage").expected("antwort").metadata("stufe:json").id("nr");
    let dataset = Dataset::from_csv("lampen", table, &columns).unwrap();
    let expected = Dataset::new("lampen")
        .with_example(
            Example::new("Wie hoch?")
                .with_expected(json!({"antwort": "40 cm"}))
                .with_metadata("stufe", 2)
                .with_id("7"),
        )
        .with_example(Example::new("Wie schwer?").with_id("8"));
    assert_eq!(dataset, expected);
}

/// Reads a text as a file of this name, which is wrong, and returns the message without the folder.
#[track_caller]
fn fault(name: &str, text: impl AsRef<[u8]>) -> (Option<usize>, String) {
    let folder = folder("fault");
    let file = folder.join(name);
    fs::write(&file, text).unwrap();
    let error = Dataset::read(&file).expect_err(name);
    fs::remove_dir_all(&folder).unwrap();
    (error.line(), error.to_string().replace(&format!("{}/", folder.display()), ""))
}

#[test]
fn a_fault_of_json_names_the_line_and_what_to_do() {
    let fields = "an example is an object with `input`, and if there is one `expected`, `metadata`, `splits`, `id`, `span_id`";
    let json = "the file is a list of examples, or an object with `name` and `examples`; a file with an example on each \
                line is named .jsonl";
    for (name, text, line, expected) in [
        ("a.txt", "", None, "a.txt has no known ending; name it .json, .jsonl, .ndjson or .csv".to_owned()),
        (
            "a.jsonl",
            "\n \n",
            None,
            "a.jsonl has no examples; write an example on each line, such as {\"input\": \"...\"}".to_owned(),
        ),
        (
            "a.json",
            "[]",
            None,
            "a.json has no examples; write a list of examples, such as [{\"input\": \"...\"}]".to_owned(),
        ),
        (
            "a.csv",
            "input\n",
            None,
            "a.csv has no examples; write the names of the columns on the first line, and an example on each further line"
                .to_owned(),
        ),
        (
            "a.jsonl",
            "{\"input\": 1}\n\n{\"expected\": 1}\n",
            Some(3),
            format!("a.jsonl, line 3: missing field `input`; {fields}"),
        ),
        (
            "a.jsonl",
            "{\"input\": 1}\n{\"input\": 1",
            Some(2),
            format!("a.jsonl, line 2: EOF while parsing an object (column 11); {fields}"),
        ),
        (
            "a.jsonl",
            "{\"input\": 1, \"splits\": 5}",
            Some(1),
            format!("a.jsonl, line 1: the splits are no text and no list of texts; {fields}"),
        ),
        (
            "a.json",
            "[\n{\"input\": 1},\n{\"input\": 2,\n\"output\": 1,\n\"expected\": 2}]",
            Some(5),
            format!("a.json, line 5: duplicate field `expected`; {fields}"),
        ),
        ("a.json", "{\"input\": 1}\n{\"input\": 2}", Some(1), format!(
            "a.json, line 1: unknown field `input`, expected one of `name`, `description`, `examples`; {json}"
        )),
        ("a.json", "[{\"input\": 1}\n", Some(2), format!("a.json, line 2: EOF while parsing a list (column 0); {json}")),
        (
            "a.json",
            "[{\"input\": 1, \"id\": \"a\"},\n\n{\"input\": 2, \"id\": \"a\"}]",
            Some(3),
            "a.json: line 1 and line 3 have the id `a`; give each an id of its own, or leave the ids out".to_owned(),
        ),
    ] {
        assert_eq!(fault(name, text), (line, expected), "{text}");
    }
}

#[test]
fn a_fault_of_a_table_names_the_line_and_what_to_do() {
    for (name, text, line, expected) in [
        (
            "a.csv",
            "id,input\na,1\nb,\"2\n2\"\na,3\n",
            Some(5),
            "a.csv: line 2 and line 5 have the id `a`; give each an id of its own, or leave the ids out".to_owned(),
        ),
        (
            "a.csv",
            "input,expected\n1,2\n3\n",
            Some(3),
            "a.csv, line 3: it has 1 cells, and the first line has 2; put cells that contain commas or line breaks in quotes"
                .to_owned(),
        ),
        (
            "a.csv",
            "input.a,input.b,expected\n1,,2\n,,4\n",
            Some(3),
            "a.csv, line 3: it has no input; fill in `input.a` or `input.b`, or remove the line".to_owned(),
        ),
        (
            "a.csv",
            "input,metadata.level:json\nx,high\n",
            Some(2),
            "a.csv, line 2: column `metadata.level:json`: expected value at line 1 column 1; write JSON, such as a number \
             or a text in quotes, or take `:json` from the column's name"
                .to_owned(),
        ),
        (
            "a.csv",
            "input,splits\nx,[hard\n",
            Some(2),
            "a.csv, line 2: column `splits`: expected value at line 1 column 2; write one name, or a JSON list of names"
                .to_owned(),
        ),
        (
            "a.csv",
            "question,expected\n1,2\n",
            Some(1),
            "a.csv, line 1: the column `question` is no part of an example; name it `input.question`, \
             `expected.question` or `metadata.question`, or name the columns with `Columns`"
                .to_owned(),
        ),
        (
            "a.csv",
            "expected\n1\n",
            Some(1),
            "a.csv, line 1: there is no column for the input; name one `input`, or `input.` and a key".to_owned(),
        ),
        ("a.csv", "input,input\n1,2\n", Some(1), "a.csv, line 1: there are two columns `input`; rename one".to_owned()),
        (
            "a.csv",
            "input,expected.a,output.a\n1,2,3\n",
            Some(1),
            "a.csv, line 1: the columns `expected.a` and `output.a` are the same part; remove one".to_owned(),
        ),
        (
            "a.csv",
            "input,input.a\n1,2\n",
            Some(1),
            "a.csv, line 1: the column `input` is the whole of what `input.a` is a part of; remove one".to_owned(),
        ),
    ] {
        assert_eq!(fault(name, text), (line, expected), "{text}");
    }
    let not_text = b"{\"input\": 1}\n{\"input\": \"\xff\"}";
    assert_eq!(
        fault("a.jsonl", not_text),
        (Some(2), "a.jsonl, line 2: it is not UTF-8; save the file as UTF-8".to_owned())
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let missing = folder("missing").join("a.json");
    let error = Dataset::read(&missing).unwrap_err();
    assert!(
        matches!(&error, DatasetError::Unreadable { file, .. } if *file == missing.display().to_string()),
        "{error}"
    );
    // A folder that is missing is created; a file is no folder.
    let file = missing.join("b.json");
    lamps().write(&file).unwrap();
    let error = lamps().write(file.join("c.json")).unwrap_err();
    assert!(matches!(error, DatasetError::Unwritable { .. }), "{error}");
}

#[test]
fn a_column_that_code_names_has_to_be_there() {
    let columns = Columns::named().input("question").expected("answer");
    let error = Dataset::from_csv("lamps", "question,reply\n1,2\n", &columns).unwrap_err();
    assert_eq!(error.to_string(), "lamps, line 1: there is no column `answer`, only `question`, `reply`");
}

#[test]
fn equal_examples_are_numbered_and_keep_their_numbers() {
    let dataset = Dataset::new("sums").with_examples([1, 2, 1, 1].map(Example::new));
    let ids: Vec<_> = dataset.examples().iter().map(|example| example.id().to_owned()).collect();
    assert_eq!(ids[2], format!("{}-2", ids[0]));
    assert_eq!(ids[3], format!("{}-3", ids[0]));
    let read = read_back(&dataset, "sums.jsonl");
    assert_eq!(read, dataset);
    let more = read.with_example(Example::new(1));
    assert_eq!(more.examples()[4].id(), format!("{}-4", ids[0]));
    assert_eq!(more.check(), Ok(()));
}

#[test]
fn an_id_that_is_given_twice_is_refused_before_it_is_written() {
    let dataset = Dataset::new("sums").with_examples([1, 2].map(|input| Example::new(input).with_id("a")));
    let error = dataset.write(folder("twice").join("sums.json")).unwrap_err();
    let expected =
        "sums: example 1 and example 2 have the id `a`; give each an id of its own, or leave the ids out";
    assert_eq!(error.to_string(), expected);
}

#[derive(Debug, PartialEq, Deserialize)]
struct Typed {
    input: String,
}

#[test]
fn an_input_is_read_as_a_type() {
    let typed = Typed { input: "x".to_owned() };
    assert_eq!(Example::new(json!({"input": "x"})).parse_input::<Typed>().unwrap(), typed);
    assert_eq!(Example::new("x").parse_input::<Typed>().unwrap(), typed, "as Phoenix returns it");
    assert_eq!(
        Example::new(json!({"input": "x"})).parse_input::<String>().unwrap(),
        "x",
        "as Phoenix has it"
    );
    assert_eq!(Example::new(0).parse_expected::<Option<u8>>().unwrap(), None);
    let error = Example::new(5).with_id("a").parse_input::<Typed>().unwrap_err().to_string();
    assert!(
        error.starts_with("the input of the example `a` is no `datasets::Typed`: invalid type: "),
        "{error}"
    );
}

#[test]
fn a_part_of_a_dataset_keeps_its_name_and_ids() {
    let dataset = lamps();
    let hard = dataset.in_split("hard");
    assert_eq!((hard.name(), hard.len(), hard.examples()[0].id()), ("lamps", 1, "second"));
    assert_eq!((dataset.take(1).len(), dataset.take(9).len()), (1, 2));
    assert_eq!(dataset.example("second"), hard.examples().first());
    assert!(dataset.in_split("no").is_empty());
}

/// Any JSON that a file keeps.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("JSON has finite numbers", |number| number.is_finite())
            .prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            any_object(inner).prop_map(Value::Object),
        ]
    })
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[a-c\\[\",:.\r\n ]{0,6}", Just("x:json".to_owned()), Just("id".to_owned())]
}

fn any_object(values: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec((any_text(), values), 0..4).prop_map(|entries| entries.into_iter().collect())
}

prop_compose! {
    fn any_example()(
        input in any_json(),
        expected in any_json(),
        metadata in any_object(any_json()),
        splits in prop::collection::vec(any_text(), 0..3),
        span_id in prop::option::of("[0-9a-f]{16}"),
        is_named in prop::bool::weighted(0.2),
    ) -> (Example, bool) {
        let example = Example::new(input).with_expected(expected);
        let example = metadata.into_iter().fold(example, |example, (key, value)| example.with_metadata(key, value));
        let example = splits.into_iter().fold(example, Example::in_split);
        (span_id.into_iter().fold(example, Example::with_span_id), is_named)
    }
}

/// Examples, some with ids of their own.
fn any_dataset() -> impl Strategy<Value = Dataset> {
    let examples = prop::collection::vec(any_example(), 1..5);
    (examples, any_text(), any_text()).prop_map(|(examples, name, description)| {
        let examples = examples.into_iter().enumerate();
        let examples =
            examples.map(
                |(at, (example, is_named))| {
                    if is_named { example.with_id(format!("{at} \"{name}\"")) } else { example }
                },
            );
        Dataset::new(name.clone()).with_description(description).with_examples(examples)
    })
}

/// The same value with the keys of all objects added in the other direction.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            object.iter().rev().map(|(key, value)| (key.clone(), reversed(value))).collect()
        }
        Value::Array(items) => items.iter().map(reversed).collect(),
        scalar => scalar.clone(),
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_equal(dataset in any_dataset()) {
        prop_assert_eq!(&read_back(&dataset, "a.json"), &dataset);
        for name in ["a.jsonl", "a.csv"] {
            let read = read_back(&dataset, name);
            prop_assert_eq!(read.examples(), dataset.examples(), "{}", name);
        }
    }

    #[test]
    fn an_id_does_not_depend_on_the_order_of_keys(input in any_json(), expected in any_json(), metadata in any_object(any_json())) {
        let example = |change: &dyn Fn(&Value) -> Value, entries: Vec<(&String, &Value)>| {
            let example = Example::new(change(&input)).with_expected(change(&expected));
            entries.into_iter().fold(example, |example, (key, value)| example.with_metadata(key, change(value)))
        };
        let one = example(&Value::clone, metadata.iter().collect());
        let other = example(&reversed, metadata.iter().rev().collect());
        prop_assert_eq!(one.id(), other.id());
        let changed = one.clone().with_metadata("changed", 1);
        prop_assume!(metadata.get("changed") != Some(&1.into()));
        prop_assert_ne!(one.id(), changed.id());
    }

    #[test]
    fn a_broken_file_is_an_error(text in any::<String>(), csv in "[a-c\\[\",:.\r\n]{0,40}") {
        let _ = Dataset::from_json("a", &text);
        let _ = Dataset::from_json_lines("a", &text);
        let _ = Dataset::from_csv("a", &format!("input,splits\n{csv}"), &Columns::default());
    }
}
