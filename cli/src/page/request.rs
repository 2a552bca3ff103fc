//! What a page is asked for, in the address: the time, the selected values of variables, and the refresh.
//!
//! Nothing of an address is shown: what is not known is counted.

use std::collections::BTreeMap;

use super::dashboard::Dashboard;
use super::time::{Clock, duration, shortest};

/// Times to choose from, in seconds until now.
pub(crate) const LAST: [(u32, &str); 10] = [
    (300, "5 minutes"),
    (900, "15 minutes"),
    (1800, "30 minutes"),
    (3600, "hour"),
    (10_800, "3 hours"),
    (21_600, "6 hours"),
    (43_200, "12 hours"),
    (86_400, "24 hours"),
    (604_800, "7 days"),
    (2_592_000, "30 days"),
];

/// Refreshes to choose from, in seconds.
pub(crate) const REFRESH: [(u32, &str); 5] = [
    (0, "never"),
    (10, "every 10 seconds"),
    (30, "every 30 seconds"),
    (60, "every minute"),
    (300, "every 5 minutes"),
];

/// What a dashboard shows if nothing says otherwise.
const DEFAULT: Time = Time::Last(3600);

/// A refresh more often than this would ask Prometheus without end, in seconds.
const OFTEN: u32 = 5;

/// The times that are shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Time {
    /// So many seconds until now.
    Last(u32),
    /// From one time to another, in seconds since 1970.
    Between(f64, f64),
}

/// What a page is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) time: Time,
    /// In seconds; 0 for never.
    pub(crate) refresh: u32,
    /// The selected values of each variable. All, where there are none.
    pub(crate) selected: BTreeMap<String, Vec<String>>,
    /// What could not be understood.
    pub(crate) notes: Vec<&'static str>,
}

impl Request {
    /// Reads an address's query.
    pub(crate) fn read(query: &str, dashboard: &Dashboard, clock: &Clock) -> Self {
        let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            fields.entry(name.into_owned()).or_default().push(value.into_owned());
        }
        let field =
            |name: &str| fields.get(name).and_then(|values| values.first()).map_or("", String::as_str);
        let mut notes = Vec::new();
        let time = time(field("last"), field("from"), field("to"), clock).unwrap_or_else(|()| {
            notes.push("The time in the address could not be read, so the dashboard's own is shown.");
            None
        });
        let own = dashboard.time.as_ref();
        let own = own.and_then(|own| time_between(&own.from, &own.to, clock).ok());
        let time = time.or(own).unwrap_or(DEFAULT);
        let asked = if field("refresh").is_empty() { None } else { refresh(field("refresh")) };
        let own = dashboard.refresh.as_str().and_then(refresh).unwrap_or(0);
        let refresh = if matches!(time, Time::Last(_)) { asked.unwrap_or(own) } else { 0 };
        Self { time, refresh, selected: selected(&fields, dashboard), notes }
    }

    /// The address's query for the same of another dashboard, with the values that are known.
    pub(crate) fn query<'a>(&'a self, known: impl Iterator<Item = (&'a str, &'a str)>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        match self.time {
            Time::Last(seconds) => {
                query.append_pair("from", &format!("now-{}", shortest(seconds))).append_pair("to", "now");
            }
            Time::Between(from, to) => {
                let milliseconds = |time: f64| (time * 1000.0).round().to_string();
                query.append_pair("from", &milliseconds(from)).append_pair("to", &milliseconds(to));
            }
        }
        query.append_pair("refresh", &format!("{}s", self.refresh));
        for (name, value) in known {
            query.append_pair(&format!("var-{name}"), value);
        }
        query.finish()
    }

    /// The start and the end, in seconds since 1970.
    pub(crate) fn span(&self, now: f64) -> (f64, f64) {
        match self.time {
            Time::Last(seconds) => (now - f64::from(seconds), now),
            Time::Between(from, to) => (from, to),
        }
    }
}

/// The form has both a choice of times and two fields; the choice takes precedence.
fn time(last: &str, from: &str, to: &str, clock: &Clock) -> Result<Option<Time>, ()> {
    match (last, from, to) {
        ("", "", "") => Ok(None),
        ("", from, to) => time_between(from, to, clock).map(Some),
        (last, ..) => time_between(last, "now", clock).map(Some),
    }
}

fn time_between(from: &str, to: &str, clock: &Clock) -> Result<Time, ()> {
    if to == "now" || to.is_empty() {
        let before = from.strip_prefix("now-").ok_or(())?;
        let seconds = duration(before).map_err(|_| ())?.as_secs();
        return u32::try_from(seconds).ok().filter(|seconds| *seconds >= 60).map(Time::Last).ok_or(());
    }
    let (from, to) = (moment(from, clock).ok_or(())?, moment(to, clock).ok_or(())?);
    if to - from >= 60.0 { Ok(Time::Between(from, to)) } else { Err(()) }
}

/// Milliseconds since 1970, as in Grafana's addresses, or a time of the form.
fn moment(text: &str, clock: &Clock) -> Option<f64> {
    let milliseconds = text.parse::<u64>().ok().and_then(|it| u32::try_from(it / 1000).ok());
    milliseconds.map(f64::from).or_else(|| clock.read(text)).filter(|time| *time >= 0.0)
}

fn refresh(text: &str) -> Option<u32> {
    if text == "0s" {
        return Some(0);
    }
    let seconds = duration(text).ok()?.as_secs();
    u32::try_from(seconds).ok().filter(|seconds| *seconds >= OFTEN)
}

fn selected(fields: &BTreeMap<String, Vec<String>>, dashboard: &Dashboard) -> BTreeMap<String, Vec<String>> {
    let mut selected = BTreeMap::new();
    for variable in &dashboard.templating.list {
        let values = fields.get(&format!("var-{}", variable.name)).into_iter().flatten();
        let values: Vec<_> = values.filter(|value| !value.is_empty()).cloned().collect();
        let all = values.iter().any(|value| value == "$__all" || value == "All");
        if !all && !values.is_empty() {
            selected.insert(variable.name.clone(), values);
        }
    }
    selected
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dashboard() -> Dashboard {
        let variable = r#"{ "name": "service", "type": "query" }"#;
        let text = format!(
            r#"{{ "title": "Made", "refresh": "1m", "time": {{ "from": "now-6h", "to": "now" }},
                 "templating": {{ "list": [{variable}] }}, "panels": [] }}"#
        );
        serde_json::from_str(&text).expect("a dashboard")
    }

    fn read(query: &str) -> Request {
        Request::read(query, &dashboard(), &Clock::utc())
    }

    #[test]
    fn an_address_says_what_is_shown() {
        for (query, time, refresh, notes) in [
            ("", Time::Last(21_600), 60, 0),
            ("from=now-1h&to=now", Time::Last(3600), 60, 0),
            ("last=now-5m&from=now-1h&to=now&refresh=0s", Time::Last(300), 0, 0),
            ("from=1000000&to=2000000&refresh=10s", Time::Between(1000.0, 2000.0), 0, 0),
            ("from=1970-01-01T00:00&to=1970-01-01T01:00", Time::Between(0.0, 3600.0), 0, 0),
            ("from=now-1s", Time::Last(21_600), 60, 1),
            ("from=5000000&to=1000000", Time::Last(21_600), 60, 1),
            ("from=tomorrow&refresh=1s", Time::Last(21_600), 60, 1),
        ] {
            let request = read(query);
            let read = (request.time, request.refresh, request.notes.len());
            assert_eq!(read, (time, refresh, notes), "{query}");
        }
        assert!(read("var-service=$__all&var-service=sales&var-other=x").selected.is_empty());
    }

    proptest! {
        #[test]
        fn a_link_leads_to_what_is_shown(
            seconds in 60_u32..100_000_000,
            start in 0_u32..2_000_000_000,
            between in any::<bool>(),
            refresh in prop::sample::select(vec![0, 5, 30, 3600]),
            values in prop::collection::vec("[^$]{1,12}", 0..4),
        ) {
            let values: Vec<_> = values.into_iter().filter(|value| value != "All").collect();
            let from = f64::from(start);
            let time = if between { Time::Between(from, from + f64::from(seconds)) } else { Time::Last(seconds) };
            let selected = if values.is_empty() { BTreeMap::new() } else { [("service".to_owned(), values)].into() };
            let shown = Request { time, refresh: if between { 0 } else { refresh }, selected, notes: Vec::new() };
            let known = shown.selected.iter().flat_map(|(name, values)| {
                values.iter().map(|value| (name.as_str(), value.as_str()))
            });
            let again = read(&shown.query(known));
            prop_assert_eq!(again.time, shown.time);
            prop_assert_eq!(again.refresh, shown.refresh);
            prop_assert_eq!(again.selected, shown.selected);
            prop_assert!(again.notes.is_empty());
        }

        #[test]
        fn every_address_is_read(query in "(from|to|last|refresh|var-service|.{0,4})=[now0-9a-z:%&=T-]{0,20}") {
            let (start, end) = read(&query).span(2e9);
            prop_assert!(start < end, "{start} to {end}");
        }
    }
}
