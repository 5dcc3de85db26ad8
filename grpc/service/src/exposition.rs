//! The text formats of metrics: Prometheus's own, which every scraper reads, and OpenMetrics.

use std::fmt::Write as _;

/// A text format of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus's text format, version 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// The format that an `Accept` header asks for. OpenMetrics must be named, and wanted at least as much as text.
    pub fn accepted(accept: &str) -> Self {
        let open = weight(accept, "application/openmetrics-text");
        match open > 0.0 && open >= weight(accept, "text/plain") {
            true => Self::OpenMetrics,
            false => Self::Prometheus,
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// Brings OpenMetrics text to this format.
    pub fn of(self, open_metrics: String) -> String {
        match self {
            Self::Prometheus => prometheus(&open_metrics),
            Self::OpenMetrics => open_metrics,
        }
    }
}

/// The largest weight that an `Accept` header gives to a media type; 0 if it does not name it.
fn weight(accept: &str, kind: &str) -> f32 {
    let weights = accept.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_kind = parts.next()?.eq_ignore_ascii_case(kind);
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        is_kind.then(|| weight.map_or(Some(1.0), |weight| weight.parse().ok()))?
    });
    weights.fold(0.0, f32::max)
}

/// Rewrites the comments, in which the formats differ: Prometheus names a counter with its suffix, has no information
/// metrics, and no units.
fn prometheus(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut help = "";
    for line in open_metrics.lines() {
        if let Some(named) = line.strip_prefix("# HELP ") {
            help = named.split_once(' ').map_or("", |(_, help)| help);
        } else if let Some(named) = line.strip_prefix("# TYPE ") {
            let (name, kind) = named.split_once(' ').unwrap_or((named, "untyped"));
            let (suffix, kind) = match kind {
                "counter" => ("_total", kind),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                _ => ("", kind),
            };
            // Writing to a string does not fail.
            let _ = writeln!(text, "# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}");
        } else if !line.starts_with('#') {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_metrics_only_on_request() {
        let scraper =
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        let table = [
            ("", Format::Prometheus),
            ("*/*", Format::Prometheus),
            ("text/html, text/plain;q=0.9", Format::Prometheus),
            ("application/openmetrics-text", Format::OpenMetrics),
            ("Application/OpenMetrics-Text; q=0.1", Format::OpenMetrics),
            ("application/openmetrics-text;q=0", Format::Prometheus),
            (
                "text/plain, application/openmetrics-text;q=0.5",
                Format::Prometheus,
            ),
            (scraper, Format::OpenMetrics),
        ];
        for (accept, format) in table {
            assert_eq!(Format::accepted(accept), format, "{accept}");
        }
    }

    #[test]
    fn prometheus_names_counters_with_their_suffix() {
        let open = "# HELP a_jobs Jobs.\n# TYPE a_jobs counter\na_jobs_total{state=\"# x\"} 1\n\
                    # HELP a_build Version.\n# TYPE a_build info\na_build_info{version=\"1\"} 1\n\
                    # HELP a_age_seconds Age.\n# TYPE a_age_seconds gauge\n# UNIT a_age_seconds seconds\n\
                    a_age_seconds 0.5\n# EOF\n";
        let text = "# HELP a_jobs_total Jobs.\n# TYPE a_jobs_total counter\na_jobs_total{state=\"# x\"} 1\n\
                    # HELP a_build_info Version.\n# TYPE a_build_info gauge\na_build_info{version=\"1\"} 1\n\
                    # HELP a_age_seconds Age.\n# TYPE a_age_seconds gauge\na_age_seconds 0.5\n";
        assert_eq!(Format::Prometheus.of(open.to_owned()), text);
        assert_eq!(Format::OpenMetrics.of(open.to_owned()), open);
    }
}
