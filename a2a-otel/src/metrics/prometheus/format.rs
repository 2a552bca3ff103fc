//! The formats in which metrics are served, and which of them a request asks for.

/// A text format of Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Version 0.0.4 of Prometheus' own format.
    Text,
    /// OpenMetrics 1.0.0, which has exemplars and units.
    OpenMetrics,
}

impl Format {
    pub(crate) const ALL: [Self; 2] = [Self::Text, Self::OpenMetrics];

    /// The value of the header `Content-Type`.
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The format that a header `Accept` prefers. One that names neither gets the text format, which everything reads.
    pub(crate) fn accepted(accept: &str) -> Self {
        let quality = |format: Self| {
            let ranges = accept.split(',').filter_map(MediaRange::parse);
            ranges.filter(|range| range.names(format)).map(|range| range.quality).fold(0.0, f64::max)
        };
        let open_metrics = quality(Self::OpenMetrics);
        if open_metrics > 0.0 && open_metrics >= quality(Self::Text) { Self::OpenMetrics } else { Self::Text }
    }
}

/// A media range of a header `Accept`, as in `text/plain;version=0.0.4;q=0.5`.
struct MediaRange<'a> {
    media: &'a str,
    version: Option<&'a str>,
    quality: f64,
}

impl<'a> MediaRange<'a> {
    fn parse(range: &'a str) -> Option<Self> {
        let mut parts = range.split(';').map(str::trim);
        let mut parsed = Self { media: parts.next()?, version: None, quality: 1.0 };
        for (name, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
            let value = value.trim().trim_matches('"');
            match name.trim() {
                name if name.eq_ignore_ascii_case("version") => parsed.version = Some(value),
                name if name.eq_ignore_ascii_case("q") => parsed.quality = quality(value)?,
                _ => {}
            }
        }
        Some(parsed)
    }

    /// Whether the range names a format, which wildcards do for the text format only.
    fn names(&self, format: Format) -> bool {
        let is = |media: &str| self.media.eq_ignore_ascii_case(media);
        let (media, version) = match format {
            Format::Text => (is("text/plain") || is("text/*") || is("*/*"), "0.0.4"),
            Format::OpenMetrics => (is("application/openmetrics-text"), "1.0.0"),
        };
        media && self.version.is_none_or(|asked| asked == version)
    }
}

/// Whether a header `Accept-Encoding` allows gzip.
pub(crate) fn accepts_gzip(accept_encoding: &str) -> bool {
    let quality_of = |wanted: &str| {
        accept_encoding.split(',').find_map(|coding| {
            let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
            let given = parameters.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
            let given = given.map_or(Some(1.0), |(_, value)| quality(value.trim()));
            name.trim().eq_ignore_ascii_case(wanted).then(|| given.unwrap_or(0.0))
        })
    };
    quality_of("gzip").or_else(|| quality_of("*")).is_some_and(|quality| quality > 0.0)
}

/// A quality value: from 0, which refuses, to 1.
fn quality(text: &str) -> Option<f64> {
    text.parse().ok().filter(|quality| (0.0..=1.0).contains(quality))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_format_is_chosen() {
        const PROMETHEUS_2: &str = "application/openmetrics-text;version=1.0.0;q=0.5,\
            application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        const PROMETHEUS_3: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
            text/plain;version=0.0.4;q=0.4,*/*;q=0.1";
        for (accept, format) in [
            ("", Format::Text),
            ("*/*", Format::Text),
            ("text/html", Format::Text),
            ("application/json", Format::Text),
            ("application/openmetrics-text", Format::OpenMetrics),
            ("Application/OpenMetrics-Text; Version=\"1.0.0\"; Q=1", Format::OpenMetrics),
            ("application/openmetrics-text;q=0", Format::Text),
            ("application/openmetrics-text;q=0.2, text/plain", Format::Text),
            ("application/openmetrics-text;version=0.0.1", Format::Text),
            ("application/openmetrics-text;q=nonsense", Format::Text),
            ("application/openmetrics-text;q=NaN", Format::Text),
            ("application/vnd.google.protobuf;q=1,application/openmetrics-text;q=0.4", Format::OpenMetrics),
            (PROMETHEUS_2, Format::OpenMetrics),
            (PROMETHEUS_3, Format::OpenMetrics),
        ] {
            assert_eq!(Format::accepted(accept), format, "{accept}");
        }
    }

    #[test]
    fn gzip_is_used_if_it_is_allowed() {
        for allowed in ["gzip", "deflate, GZIP;q=0.5", "*", "br, *;q=0.1"] {
            assert!(accepts_gzip(allowed), "{allowed}");
        }
        for refused in ["", "identity", "gzip;q=0", "gzip;q=0, *", "br", "gzip; q=oops"] {
            assert!(!accepts_gzip(refused), "{refused}");
        }
    }
}
