#![doc = include_str!("links.md")]
//!
#![doc = include_str!("../docs/README.md")]

/// A module for each page of `docs/`. `links.md` comes first: Markdown uses the first definition of a link, so links
/// between pages lead to modules here, and to files in the repository.
macro_rules! pages {
    ($folder:literal, $($page:ident,)*) => {$(
        #[doc = include_str!("links.md")]
        #[doc = ""]
        #[doc = include_str!(concat!("../docs/", $folder, stringify!($page), ".md"))]
        pub mod $page {}
    )*};
}

pages! {
    "",
    a2a,
    agents,
    alerts,
    architecture,
    axum,
    configuration,
    context,
    dashboards,
    datasets,
    deployment,
    evaluation,
    experiments,
    libraries,
    llm,
    logs,
    mcp,
    metrics,
    migrating,
    opentelemetry,
    performance,
    privacy,
    reliability,
    scaling,
    security,
    semconv,
    streams,
    testing,
    troubleshooting,
    tutorial,
}

/// What Python's instrumentations record, key by key, and what differs here.
pub mod parity {
    pages! {
        "parity/",
        agents,
        llm,
        semconv,
    }
}
