#[cfg(feature = "otlp")]
mod explain;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::variables::SEMCONV;
use super::*;
use crate::environment::Environment;
use crate::semconv::GenAiVersion;

type Pairs = &'static [(&'static str, &'static str)];

/// Environment variables, builder calls, expected settings, and the beginnings of the expected warnings.
struct Row(Pairs, Pairs, Pairs, &'static [&'static str]);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    // Defaults.
    Row(&[], &[], &[("service", "agent"), ("project", "default"), ("disabled", "false"), ("sampling", "On, parent true")], &[]),
    Row(&[], &[], &[("endpoint", "http://localhost:6006/v1/traces"), ("header x-project-name", "default")], &[]),
    Row(&[], &[], &[("timeout", "10s"), ("compression", "Gzip"), ("batch", "1s None 512 30s"), ("limits", "10000 10000 128 1048576")], &[]),
    // The service.
    Row(&[("OTEL_SERVICE_NAME", "env")], &[("service_name", "code")], &[("service", "code")], &[]),
    Row(&[("OTEL_SERVICE_NAME", "env"), ("OTEL_RESOURCE_ATTRIBUTES", "service.name=res")], &[], &[("service", "env")], &[]),
    Row(&[("OTEL_RESOURCE_ATTRIBUTES", "service.name=res,deployment=a%20b")], &[], &[("service", "res"), ("resource deployment", "a b"), ("resource service.name", "-")], &[]),
    Row(&[("OTEL_SERVICE_NAME", "  ")], &[], &[("service", "agent")], &[]),
    Row(&[("OTEL_RESOURCE_ATTRIBUTES", "a=1,b")], &[], &[("resource a", "1")], &["OTEL_RESOURCE_ATTRIBUTES=\"a=1,b\" is used in part: expected name=value"]),
    Row(&[("OTEL_RESOURCE_ATTRIBUTES", "a=%zz,b=2")], &[], &[("resource a", "-"), ("resource b", "2")], &["OTEL_RESOURCE_ATTRIBUTES="]),
    // The project.
    Row(&[("PHOENIX_PROJECT", "env")], &[("project_name", "code")], &[("project", "code"), ("header x-project-name", "code")], &[]),
    Row(&[("PHOENIX_PROJECT", "env")], &[], &[("project", "env")], &[]),
    Row(&[("PHOENIX_PROJECT_NAME", "alias")], &[], &[("project", "alias")], &[]),
    Row(&[("PHOENIX_PROJECT", "a"), ("PHOENIX_PROJECT_NAME", "a")], &[], &[("project", "a")], &[]),
    Row(&[("PHOENIX_PROJECT", "a"), ("PHOENIX_PROJECT_NAME", "b")], &[], &[("project", "a")], &["PHOENIX_PROJECT=\"a\" and PHOENIX_PROJECT_NAME=\"b\" differ"]),
    Row(&[("OTEL_RESOURCE_ATTRIBUTES", "openinference.project.name=res")], &[], &[("project", "res")], &[]),
    Row(&[("PHOENIX_CLIENT_HEADERS", "X-Project-Name=mine")], &[("project_name", "code")], &[("project", "code"), ("header x-project-name", "mine")], &[]),
    Row(&[], &[("project_name", "日本")], &[("project", "日本"), ("header x-project-name", "-")], &[]),
    // The endpoint.
    Row(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:1/x")], &[("endpoint", "http://c:2")], &[("endpoint", "http://c:2/v1/traces")], &[]),
    Row(&[], &[("endpoint", "https://c/s/space/v1/traces")], &[("endpoint", "https://c/s/space/v1/traces")], &[]),
    Row(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:1/x?key=1"), ("PHOENIX_COLLECTOR_ENDPOINT", "http://p")], &[], &[("endpoint", "http://t:1/x?key=1")], &[]),
    Row(&[("PHOENIX_COLLECTOR_ENDPOINT", "http://p:6006"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://o")], &[], &[("endpoint", "http://p:6006/v1/traces")], &[]),
    Row(&[("PHOENIX_COLLECTOR_ENDPOINT", "https://app/s/space/")], &[], &[("endpoint", "https://app/s/space/v1/traces")], &[]),
    Row(&[("PHOENIX_COLLECTOR_ENDPOINT", "http://p:6006/v1/traces")], &[], &[("endpoint", "http://p:6006/v1/traces")], &[]),
    Row(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[::1]:4318")], &[], &[("endpoint", "http://[::1]:4318/v1/traces")], &[]),
    Row(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[::1]")], &[], &[("endpoint", "http://[::1]/v1/traces")], &[]),
    Row(&[("PHOENIX_COLLECTOR_ENDPOINT", "localhost:6006")], &[], &[("endpoint", "-")], &["PHOENIX_COLLECTOR_ENDPOINT=\"localhost:6006\" is ignored: expected http(s)://host[:port][/path]; no spans are sent"]),
    Row(&[("PHOENIX_COLLECTOR_ENDPOINT", "ftp://h"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://o")], &[], &[("endpoint", "-")], &["PHOENIX_COLLECTOR_ENDPOINT=\"ftp://h\""]),
    Row(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:port")], &[], &[("endpoint", "-")], &["OTEL_EXPORTER_OTLP_ENDPOINT=\"http://h:port\""]),
    Row(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://")], &[], &[("endpoint", "-")], &["OTEL_EXPORTER_OTLP_ENDPOINT=\"http://\""]),
    Row(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://u:secret@h?k=secret")], &[], &[("endpoint", "-")], &["OTEL_EXPORTER_OTLP_ENDPOINT=\"http://****@h\" is ignored"]),
    Row(&[], &[("endpoint", "phoenix")], &[("endpoint", "-")], &["endpoint=\"phoenix\" is ignored"]),
    // Headers.
    Row(&[("OTEL_EXPORTER_OTLP_HEADERS", "A=1,b=1,c=1,d=1"), ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "b=2,c=2,d=2"), ("PHOENIX_CLIENT_HEADERS", "c=3,d=3")], &[("header", "D=4")],
        &[("header a", "1"), ("header b", "2"), ("header c", "3"), ("header d", "4")], &[]),
    Row(&[("PHOENIX_CLIENT_HEADERS", "x=a%20b%2Cc")], &[], &[("header x", "a b,c")], &[]),
    Row(&[("PHOENIX_API_KEY", "key")], &[], &[("header authorization", "Bearer key")], &[]),
    Row(&[("PHOENIX_API_KEY", "key"), ("PHOENIX_CLIENT_HEADERS", "Authorization=Basic%20x")], &[], &[("header authorization", "Basic x")], &[]),
    Row(&[("PHOENIX_API_KEY", "key")], &[("header", "authorization=mine")], &[("header authorization", "mine")], &[]),
    Row(&[("PHOENIX_API_KEY", "schlüssel")], &[], &[("header authorization", "-")], &["PHOENIX_API_KEY=**** is ignored: expected visible ASCII characters"]),
    Row(&[("PHOENIX_CLIENT_HEADERS", "secret,ok=1")], &[], &[("header ok", "1")], &["PHOENIX_CLIENT_HEADERS=**** is used in part: expected name=value"]),
    Row(&[("PHOENIX_CLIENT_HEADERS", "bad name=1,ok=%0A")], &[], &[("header ok", "-")], &["PHOENIX_CLIENT_HEADERS=****"]),
    Row(&[], &[("header", "ü=1")], &[], &["headers=**** is used in part"]),
    Row(&[("PHOENIX_CLIENT_HEADERS", "Content-Length=3,ok=1")], &[], &[("header content-length", "-"), ("header ok", "1")], &["PHOENIX_CLIENT_HEADERS=**** is used in part"]),
    // The request.
    Row(&[("OTEL_EXPORTER_OTLP_TIMEOUT", "2000")], &[], &[("timeout", "2s")], &[]),
    Row(&[("OTEL_EXPORTER_OTLP_TIMEOUT", "2000"), ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "300")], &[], &[("timeout", "300ms")], &[]),
    Row(&[("OTEL_EXPORTER_OTLP_TIMEOUT", "2s")], &[], &[("timeout", "10s")], &["OTEL_EXPORTER_OTLP_TIMEOUT=\"2s\" is ignored: expected milliseconds"]),
    Row(&[("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "0"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "5")], &[], &[("timeout", "5ms")], &["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT=\"0\""]),
    Row(&[("OTEL_EXPORTER_OTLP_COMPRESSION", "none")], &[], &[("compression", "None")], &[]),
    Row(&[("OTEL_EXPORTER_OTLP_COMPRESSION", "none"), ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip")], &[], &[("compression", "Gzip")], &[]),
    Row(&[("OTEL_EXPORTER_OTLP_CERTIFICATE", "/a"), ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "/b"), ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/c")], &[], &[("certificate", "/b"), ("client_key", "/c")], &[]),
    Row(&[("OTEL_EXPORTER_OTLP_CERTIFICATE", "/a")], &[("certificate", "/b")], &[("certificate", "/b")], &[]),
    Row(&[("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd")], &[], &[("compression", "Gzip")], &["OTEL_EXPORTER_OTLP_COMPRESSION=\"zstd\" is ignored: expected gzip or none"]),
    Row(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")], &[], &[], &[]),
    Row(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], &[], &[], if cfg!(feature = "otlp-grpc") { &[] } else { &["OTEL_EXPORTER_OTLP_PROTOCOL=\"grpc\" is ignored: expected http/protobuf"] }),
    Row(&[("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json")], &[], &[], &["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=\"http/json\""]),
    // What is recorded, and where it goes.
    Row(&[("OTEL_SDK_DISABLED", "TRUE")], &[], &[("disabled", "true")], &[]),
    Row(&[("OTEL_SDK_DISABLED", "1")], &[], &[("disabled", "false")], &["OTEL_SDK_DISABLED=\"1\" is ignored: expected true or false"]),
    Row(&[("OTEL_TRACES_EXPORTER", "console")], &[], &[("exporter", "Console")], &[]),
    Row(&[("OTEL_TRACES_EXPORTER", "none")], &[], &[("exporter", "None")], &[]),
    Row(&[("OTEL_TRACES_EXPORTER", " console , otlp,console")], &[], if cfg!(feature = "otlp") { &[("exporter", "OtlpAndConsole")] } else { &[] }, if cfg!(feature = "otlp") { &[] } else { &["OTEL_TRACES_EXPORTER=\"console , otlp,console\" is ignored"] }),
    Row(&[("OTEL_TRACES_EXPORTER", "console,none")], &[], &[], &["OTEL_TRACES_EXPORTER=\"console,none\" is ignored"]),
    Row(&[("OTEL_TRACES_EXPORTER", "otlp,zipkin")], &[], &[], &["OTEL_TRACES_EXPORTER=\"otlp,zipkin\" is ignored"]),
    Row(&[("OTEL_TRACES_EXPORTER", "console,")], &[], &[], &["OTEL_TRACES_EXPORTER=\"console,\" is ignored"]),
    Row(&[("OTEL_TRACES_EXPORTER", "zipkin")], &[], &[], &["OTEL_TRACES_EXPORTER=\"zipkin\" is ignored"]),
    Row(&[], &[], &[("console", "Tree")], &[]),
    Row(&[("A2A_OTEL_CONSOLE", "full")], &[], &[("console", "Full")], &[]),
    Row(&[("A2A_OTEL_CONSOLE", "tree")], &[], &[("console", "Tree")], &[]),
    Row(&[("A2A_OTEL_CONSOLE", "summary")], &[], &[("console", "Summary")], &[]),
    Row(&[("A2A_OTEL_CONSOLE", "short")], &[], &[("console", "Tree")], &["A2A_OTEL_CONSOLE=\"short\" is ignored: expected full, tree or summary"]),
    Row(&[("OTEL_TRACES_SAMPLER", "always_on")], &[], &[("sampling", "On, parent false")], &[]),
    Row(&[("OTEL_TRACES_SAMPLER", "always_off")], &[], &[("sampling", "Off, parent false")], &[]),
    Row(&[("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.5")], &[], &[("sampling", "Ratio(0.5), parent false")], &[]),
    Row(&[("OTEL_TRACES_SAMPLER", "parentbased_always_on")], &[], &[("sampling", "On, parent true")], &[]),
    Row(&[("OTEL_TRACES_SAMPLER", "parentbased_always_off")], &[], &[("sampling", "Off, parent true")], &[]),
    Row(&[("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.1")], &[], &[("sampling", "Ratio(0.1), parent true")], &[]),
    Row(&[("OTEL_TRACES_SAMPLER", "traceidratio")], &[], &[("sampling", "Ratio(1.0), parent false")], &[]),
    Row(&[("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "2")], &[], &[("sampling", "Ratio(1.0), parent false")], &["OTEL_TRACES_SAMPLER_ARG=\"2\" is ignored: expected a number from 0 to 1"]),
    Row(&[("OTEL_TRACES_SAMPLER", "parentbased_xray")], &[], &[("sampling", "On, parent true")], &["OTEL_TRACES_SAMPLER=\"parentbased_xray\""]),
    // What must not leave the process.
    Row(&[], &[], &[("privacy hides: []", "true"), ("privacy length: 32000", "true")], &[]),
    Row(&[("OPENINFERENCE_HIDE_INPUTS", " True "), ("OPENINFERENCE_HIDE_CHOICES", "false")], &[], &[("privacy [\"OPENINFERENCE_HIDE_INPUTS\"]", "true")], &[]),
    Row(&[("OPENINFERENCE_HIDE_EMBEDDING_VECTORS", "1"), ("OPENINFERENCE_HIDE_EMBEDDINGS_VECTORS", "false")], &[], &[("privacy [\"OPENINFERENCE_HIDE_EMBEDDINGS_VECTORS\"]", "true")], &["OPENINFERENCE_HIDE_EMBEDDING_VECTORS=\"1\" is read as true: expected true or false"]),
    Row(&[("OPENINFERENCE_HIDE_OUTPUTS", "true")], &[("hide_outputs", "false")], &[("privacy hides: []", "true")], &[]),
    Row(&[("OPENINFERENCE_BASE64_IMAGE_MAX_LENGTH", "10")], &[], &[("privacy length: 10", "true")], &[]),
    Row(&[("OPENINFERENCE_BASE64_IMAGE_MAX_LENGTH", "-1")], &[], &[("privacy length: 32000", "true")], &["OPENINFERENCE_BASE64_IMAGE_MAX_LENGTH=\"-1\" is ignored: expected a whole number"]),
    // The conventions.
    Row(&[], &[], &[("semconv", "OpenInference")], &[]),
    Row(&[("A2A_OTEL_SEMCONV", "gen_ai")], &[], &[("semconv", "GenAi")], &[]),
    Row(&[("A2A_OTEL_SEMCONV", "both")], &[("semconv", "openinference")], &[("semconv", "OpenInference")], &[]),
    Row(&[("OPENINFERENCE_ENABLE_GENAI_SEMCONV", "True")], &[], &[("semconv", "Both")], &[]),
    Row(&[("OPENINFERENCE_ENABLE_GENAI_SEMCONV", "false")], &[], &[("semconv", "OpenInference")], &[]),
    Row(&[("OPENINFERENCE_ENABLE_GENAI_SEMCONV", "true"), ("A2A_OTEL_SEMCONV", "gen_ai")], &[], &[("semconv", "GenAi")], &[]),
    Row(&[], &[], &[("gen_ai_version", "V1_41")], &[]),
    Row(&[("OTEL_SEMCONV_STABILITY_OPT_IN", "gen_ai_latest_experimental")], &[], &[("semconv", "OpenInference"), ("gen_ai_version", "V0_1_0")], &[]),
    Row(&[("OTEL_SEMCONV_STABILITY_OPT_IN", "http/dup , gen_ai_latest_experimental")], &[], &[("gen_ai_version", "V0_1_0")], &[]),
    Row(&[("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database/dup")], &[], &[("gen_ai_version", "V1_41")], &[]),
    Row(&[("OTEL_SEMCONV_STABILITY_OPT_IN", "gen_ai_latest_experimental")], &[("gen_ai_version", "V1_41")], &[("gen_ai_version", "V1_41")], &[]),
    Row(&[("A2A_OTEL_SEMCONV", "genai")], &[], &[("semconv", "OpenInference")], &["A2A_OTEL_SEMCONV=\"genai\" is ignored: expected openinference, gen_ai or both"]),
    // Metrics.
    Row(&[], &[], &[("cardinality", "2000")], &[]),
    Row(&[("A2A_OTEL_CARDINALITY_LIMIT", "50")], &[], &[("cardinality", "50")], &[]),
    Row(&[("A2A_OTEL_CARDINALITY_LIMIT", "50")], &[("cardinality", "7")], &[("cardinality", "7")], &[]),
    Row(&[], &[("cardinality", "0")], &[("cardinality", "1")], &[]),
    Row(&[("A2A_OTEL_CARDINALITY_LIMIT", "0")], &[], &[("cardinality", "2000")], &["A2A_OTEL_CARDINALITY_LIMIT=\"0\" is ignored: expected a whole number from 1 to 1000000"]),
    Row(&[("A2A_OTEL_CARDINALITY_LIMIT", "1000001")], &[], &[("cardinality", "2000")], &["A2A_OTEL_CARDINALITY_LIMIT="]),
    // Where metrics go.
    Row(&[], &[], &[("metrics", "{} 60s 30s 10s Cumulative ExplicitBuckets"), ("metrics endpoint", "-"), ("prometheus", "localhost:9464")], &[]),
    Row(&[("PHOENIX_COLLECTOR_ENDPOINT", "http://p:1"), ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:2/v1/traces")], &[("endpoint", "http://c:3")], &[("metrics endpoint", "-")], &[]),
    Row(&[("OTEL_METRICS_EXPORTER", "none"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://g:4318")], &[], &[("metrics", "{} 60s 30s 10s Cumulative ExplicitBuckets")], &[]),
    Row(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://g:4318")], &[], &[("metrics endpoint", "http://g:4318/v1/metrics")], &[]),
    Row(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://g:4318/v1/traces/")], &[], &[("metrics endpoint", "http://g:4318/v1/metrics")], &[]),
    Row(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://g:4318"), ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://m:1/x")], &[], &[("metrics endpoint", "http://m:1/x"), ("endpoint", "http://g:4318/v1/traces")], &[]),
    Row(&[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://m:1/x")], &[("metrics_endpoint", "http://c:2")], &[("metrics endpoint", "http://c:2/v1/metrics")], &[]),
    Row(&[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "m:1")], &[], &[("metrics endpoint", "-")], &["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=\"m:1\" is ignored: expected http(s)://host[:port]/path; no metrics are sent"]),
    Row(&[], &[("metrics_endpoint", "m:1")], &[("metrics endpoint", "-")], &["metrics_endpoint=\"m:1\" is ignored"]),
    Row(&[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://me:secret@m?key=secret b")], &[], &[("metrics endpoint", "-")], &["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=\"http://****@m\" is ignored"]),
    Row(&[("OTEL_EXPORTER_OTLP_HEADERS", "a=1,b=1"), ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "b=2"), ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "c=3"), ("PHOENIX_API_KEY", "k")], &[], &[("metrics headers", "a=1 b=2")], &[]),
    Row(&[("OTEL_METRIC_EXPORT_INTERVAL", "100"), ("OTEL_METRIC_EXPORT_TIMEOUT", "200"), ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "300"), ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "LOWMEMORY"), ("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "BASE2_EXPONENTIAL_BUCKET_HISTOGRAM")], &[], &[("metrics", "{} 100ms 200ms 300ms LowMemory Base2Exponential")], &[]),
    Row(&[("OTEL_METRIC_EXPORT_INTERVAL", "100")], &[("metrics_interval", "7")], &[("metrics", "{} 7s 30s 10s Cumulative ExplicitBuckets")], &[]),
    Row(&[("OTEL_EXPORTER_OTLP_TIMEOUT", "0")], &[], &[("timeout", "10s"), ("metrics", "{} 60s 30s 10s Cumulative ExplicitBuckets")], &["OTEL_EXPORTER_OTLP_TIMEOUT=\"0\" is ignored"]),
    Row(&[("OTEL_EXPORTER_PROMETHEUS_HOST", "0.0.0.0"), ("OTEL_EXPORTER_PROMETHEUS_PORT", "9999")], &[], &[("prometheus", "0.0.0.0:9999")], &[]),
    Row(&[], &[], &[("metrics exemplars", "TraceBased")], &[]),
    Row(&[("OTEL_METRICS_EXEMPLAR_FILTER", "always_off")], &[], &[("metrics exemplars", "AlwaysOff")], &[]),
    Row(&[("OTEL_METRICS_EXEMPLAR_FILTER", "none")], &[], &[("metrics exemplars", "TraceBased")], &["OTEL_METRICS_EXEMPLAR_FILTER=\"none\" is ignored: expected trace_based, always_on or always_off"]),
    Row(&[("OTEL_EXPORTER_PROMETHEUS_PORT", "65536")], &[], &[("prometheus", "localhost:9464")], &["OTEL_EXPORTER_PROMETHEUS_PORT=\"65536\" is ignored: expected a port"]),
    // Prices and the monitor.
    #[cfg(feature = "cost")]
    Row(&[("A2A_OTEL_PRICES", "/env")], &[], &[("prices", "/env")], &[]),
    #[cfg(feature = "cost")]
    Row(&[("A2A_OTEL_PRICES", "/env")], &[("prices", "/code")], &[("prices", "/code")], &[]),
    #[cfg(feature = "performance")]
    Row(&[], &[], &[("performance", "true")], &[]),
    #[cfg(feature = "performance")]
    Row(&[("A2A_OTEL_PERFORMANCE", "false")], &[], &[("performance", "false")], &[]),
    #[cfg(feature = "performance")]
    Row(&[("A2A_OTEL_PERFORMANCE", "false")], &[("performance", "true")], &[("performance", "true")], &[]),
    #[cfg(feature = "performance")]
    Row(&[("A2A_OTEL_PERFORMANCE", "off")], &[], &[("performance", "true")], &["A2A_OTEL_PERFORMANCE=\"off\" is ignored: expected true or false"]),
    // Batches and limits.
    Row(&[("OTEL_BSP_SCHEDULE_DELAY", "200"), ("OTEL_BSP_MAX_QUEUE_SIZE", "64"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "32"), ("OTEL_BSP_EXPORT_TIMEOUT", "900")], &[], &[("batch", "200ms Some(64) 32 900ms")], &[]),
    Row(&[("OTEL_BSP_MAX_QUEUE_SIZE", "64")], &[], &[("batch", "1s Some(64) 64 30s")], &[]),
    Row(&[("OTEL_BSP_MAX_QUEUE_SIZE", "64"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "65")], &[], &[("batch", "1s Some(64) 64 30s")], &["OTEL_BSP_MAX_EXPORT_BATCH_SIZE=65 is above"]),
    Row(&[("OTEL_BSP_MAX_QUEUE_SIZE", "0"), ("OTEL_BSP_SCHEDULE_DELAY", "-1")], &[], &[("batch", "1s None 512 30s")], &["OTEL_BSP_MAX_QUEUE_SIZE=\"0\"", "OTEL_BSP_SCHEDULE_DELAY=\"-1\""]),
    Row(&[("OTEL_ATTRIBUTE_COUNT_LIMIT", "7")], &[], &[("limits", "7 10000 128 1048576")], &[]),
    Row(&[("OTEL_ATTRIBUTE_COUNT_LIMIT", "7"), ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "8")], &[], &[("limits", "8 10000 128 1048576")], &[]),
    Row(&[("OTEL_SPAN_EVENT_COUNT_LIMIT", "1"), ("OTEL_SPAN_LINK_COUNT_LIMIT", "2")], &[], &[("limits", "10000 1 2 1048576")], &[]),
    Row(&[("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "100")], &[], &[("limits", "10000 10000 128 100")], &[]),
    Row(&[("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "100"), ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "5")], &[], &[("limits", "10000 10000 128 5")], &[]),
    Row(&[("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "many")], &[], &[("limits", "10000 10000 128 1048576")], &["OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=\"many\" is ignored: expected a whole number"]),
];

fn overrides(calls: Pairs) -> Overrides {
    let mut overrides = Overrides::default();
    for (call, value) in calls {
        let value = (*value).to_owned();
        match *call {
            "service_name" => overrides.service_name = Some(value),
            "project_name" => overrides.project_name = Some(value),
            "endpoint" => overrides.endpoint = Some(value),
            "certificate" => overrides.tls.certificate = Some(value.into()),
            "gen_ai_version" => overrides.gen_ai_version = Some(GenAiVersion::V1_41),
            "semconv" => overrides.semconv = (SEMCONV.parse)(&value),
            #[cfg(feature = "cost")]
            "prices" => overrides.prices = Some(value.into()),
            #[cfg(feature = "performance")]
            "performance" => overrides.performance = value.parse().ok(),
            "cardinality" => overrides.cardinality_limit = value.parse().ok(),
            "metrics_endpoint" => overrides.metrics.endpoint = Some(value),
            "metrics_interval" => overrides.metrics.interval = value.parse().map(Duration::from_secs).ok(),
            "hide_outputs" => overrides.privacy = Privacy::new().hide_outputs(value == "true"),
            _ => overrides
                .headers
                .extend(value.split_once('=').map(|(name, value)| (name.into(), value.into()))),
        }
    }
    overrides
}

fn answer(settings: &Settings, question: &str) -> String {
    let Settings { sampling, batch, limits, .. } = settings;
    let or_none = |value: Option<&str>| value.unwrap_or("-").to_owned();
    let file = |path: &Option<PathBuf>| or_none(path.as_deref().and_then(Path::to_str));
    match question.split_once(' ').unwrap_or((question, "")) {
        ("service", _) => settings.service_name.clone(),
        ("project", _) => settings.project_name.clone(),
        ("endpoint", _) => or_none(settings.endpoint.as_ref().map(Endpoint::as_str)),
        ("header", name) => or_none(settings.headers.0.get(name).map(String::as_str)),
        ("resource", name) => or_none(settings.resource.get(name).map(String::as_str)),
        ("disabled", _) => settings.disabled.to_string(),
        ("timeout", _) => format!("{:?}", settings.timeout),
        ("compression", _) => format!("{:?}", settings.compression),
        ("certificate", _) => file(&settings.tls.certificate),
        ("client_key", _) => file(&settings.tls.client_key),
        ("console", _) => format!("{:?}", settings.console),
        ("exporter", _) => format!("{:?}", settings.exporter),
        ("semconv", _) => format!("{:?}", settings.semconv),
        ("gen_ai_version", _) => format!("{:?}", settings.gen_ai_version),
        ("privacy", part) => format!("{:?}", settings.privacy).contains(part).to_string(),
        ("sampling", _) => format!("{:?}, parent {}", sampling.root, sampling.follows_parent),
        ("batch", _) => format!("{:?} {:?} {} {:?}", batch.delay, batch.queue, batch.size, batch.timeout),
        ("metrics", "endpoint") => or_none(settings.metrics.endpoint.as_ref().map(Endpoint::as_str)),
        ("metrics", "exemplars") => format!("{:?}", settings.metrics.exemplars),
        ("metrics", "headers") => {
            let headers = settings.metrics.headers.iter().map(|(name, value)| format!("{name}={value}"));
            headers.collect::<Vec<_>>().join(" ")
        }
        ("metrics", _) => {
            let Metrics { exporters, interval, timeout, request_timeout, temporality, histograms, .. } =
                &settings.metrics;
            format!(
                "{exporters:?} {interval:?} {timeout:?} {request_timeout:?} {temporality:?} {histograms:?}"
            )
        }
        ("prometheus", _) => {
            format!("{}:{}", settings.metrics.prometheus_host, settings.metrics.prometheus_port)
        }
        #[cfg(feature = "cost")]
        ("prices", _) => settings.prices.as_deref().unwrap_or(Path::new("-")).display().to_string(),
        #[cfg(feature = "performance")]
        ("performance", _) => settings.performance.to_string(),
        ("cardinality", _) => settings.cardinality_limit.to_string(),
        ("limits", _) => {
            format!("{} {} {} {}", limits.attributes, limits.events, limits.links, limits.value_length)
        }
        _ => unreachable!("{question}"),
    }
}

#[test]
fn every_combination_resolves_as_the_table_says() {
    for Row(variables, calls, questions, expected) in TABLE {
        let lookup = |name: &str| {
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
        };
        let mut environment = Environment::new(&lookup);
        let settings = Settings::resolve(&overrides(calls), &mut environment, "agent");
        for (question, expected) in *questions {
            assert_eq!(answer(&settings, question), *expected, "{question} of {variables:?} {calls:?}");
        }
        let warnings: Vec<_> = environment.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(warnings.len(), expected.len(), "{warnings:?} of {variables:?} {calls:?}");
        for (warning, expected) in warnings.iter().zip(*expected) {
            assert!(warning.starts_with(expected), "{warning} should start with {expected}");
        }
    }
}

#[test]
fn nothing_shows_a_secret() {
    let variables = [
        ("PHOENIX_API_KEY", "hidden"),
        ("PHOENIX_CLIENT_HEADERS", "a=hidden"),
        ("PHOENIX_COLLECTOR_ENDPOINT", "http://user:hidden@h/"),
    ];
    let lookup = |name: &str| {
        variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
    };
    let settings = Settings::resolve(&Overrides::default(), &mut Environment::new(&lookup), "agent");
    let shown = format!("{settings:?} {}", settings.endpoint.clone().unwrap());
    assert!(!shown.contains("hidden"), "{shown}");
    assert!(shown.contains("authorization"), "{shown}");
}

#[test]
fn the_resource_names_service_and_project() {
    let settings = Settings::resolve(&Overrides::default(), &mut Environment::new(&|_| None), "agent");
    let attributes: BTreeMap<_, _> = settings.resource_attributes().collect();
    assert_eq!(attributes["service.name"], "agent");
    assert_eq!(attributes["openinference.project.name"], "default");
}

#[cfg(feature = "otlp")]
#[test]
fn a_batch_gets_no_longer_than_a_request() {
    let [short, long] = [1, 2].map(Duration::from_secs);
    for (batch, request) in [(short, long), (long, short), (short, short)] {
        let limits = Batch { timeout: batch, delay: long, queue_bytes: 1, queue: None, size: 1, bytes: 1 };
        assert_eq!(limits.answered_within(request).timeout, short);
    }
}
