//! The registry of the marketplace, in the second version of Weaver's schema.

mod support;

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use support::{marketplace, workspace};

fn registry() -> Value {
    let path = workspace().join("deploy/registry/metrics.yaml");
    serde_saphyr::from_str(&fs::read_to_string(path).expect("a registry")).expect("YAML")
}

fn texts<'a>(list: &'a Value, key: &str) -> Vec<&'a str> {
    let list = list.as_array().expect("a list").iter();
    list.map(|item| item[key].as_str().unwrap_or_else(|| panic!("{key} is missing: {item:#}"))).collect()
}

#[test]
fn every_metric_is_defined_once_with_its_unit_and_instrument() {
    let registry = registry();
    assert_eq!(registry["file_format"], "definition/2");
    let model = marketplace();
    let names: Vec<_> = model.metrics().iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!(texts(&registry["metrics"], "name"), names);
    for definition in registry["metrics"].as_array().expect("metrics") {
        let metric = model.find(definition["name"].as_str().expect("a name")).expect("a metric");
        assert_eq!(definition["instrument"], metric.kind.to_string().replace('_', ""), "{definition:#}");
        assert_eq!(definition["annotations"]["prometheus_name"], metric.prometheus);
        for text in [&definition["brief"], &definition["unit"], &definition["stability"]] {
            assert!(text.as_str().is_some_and(|text| !text.is_empty()), "{definition:#}");
        }
    }
}

#[test]
fn every_attribute_that_a_metric_refers_to_is_defined_once() {
    let registry = registry();
    let keys = texts(&registry["attributes"], "key");
    let defined: BTreeSet<_> = keys.iter().copied().collect();
    assert_eq!(defined.len(), keys.len(), "{keys:?}");
    let mut used = BTreeSet::new();
    for metric in
        registry["metrics"].as_array().expect("metrics").iter().filter(|it| it["attributes"].is_array())
    {
        used.extend(texts(&metric["attributes"], "ref"));
    }
    assert_eq!(used, defined);
}

#[test]
fn values_that_are_literals_are_members() {
    let registry = registry();
    let attributes = registry["attributes"].as_array().expect("attributes");
    let outcome = attributes.iter().find(|attribute| attribute["key"] == "outcome").expect("an attribute");
    assert_eq!(texts(&outcome["type"]["members"], "value"), ["cancelled", "error", "ok", "panic"]);
}
