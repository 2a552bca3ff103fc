//! Dashboards as Grafana stores them, as far as they are drawn.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

/// A larger file is no dashboard, in bytes.
const LARGEST: u64 = 8 << 20;

/// The dashboards of a folder.
pub(crate) struct Folder {
    /// By their titles.
    pub(crate) dashboards: Vec<Dashboard>,
    /// Files that cannot be used.
    pub(crate) broken: Vec<Broken>,
}

/// A file that is no dashboard.
pub(crate) struct Broken {
    pub(crate) file: String,
    /// Why, and what to do.
    pub(crate) reason: String,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Dashboard {
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) uid: String,
    #[serde(default)]
    pub(crate) time: Option<Range>,
    /// A duration, an empty text or `false`.
    #[serde(default)]
    pub(crate) refresh: Value,
    #[serde(default)]
    pub(crate) templating: List,
    #[serde(rename = "panels")]
    items: Vec<Panel>,
}

#[derive(Clone, Deserialize)]
pub(crate) struct Range {
    pub(crate) from: String,
    pub(crate) to: String,
}

#[derive(Clone, Default, Deserialize)]
pub(crate) struct List {
    #[serde(default)]
    pub(crate) list: Vec<Variable>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Variable {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) label: Option<String>,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) query: Value,
    #[serde(default)]
    pub(crate) all_value: Option<String>,
}

/// A panel, or a heading, which Grafana calls a row.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Panel {
    #[serde(default)]
    pub(crate) id: u32,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) grid_pos: Position,
    #[serde(default)]
    pub(crate) targets: Vec<Target>,
    #[serde(default)]
    pub(crate) field_config: FieldConfig,
    #[serde(default)]
    pub(crate) options: Value,
    #[serde(default)]
    pub(crate) transformations: Vec<Transformation>,
    /// Those below a heading that is closed.
    #[serde(default)]
    panels: Vec<Panel>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Position {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) w: u32,
}

/// A query.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Target {
    #[serde(default)]
    pub(crate) ref_id: String,
    #[serde(default)]
    pub(crate) expr: String,
    #[serde(default)]
    pub(crate) legend_format: String,
    #[serde(default)]
    pub(crate) exemplar: bool,
    #[serde(default)]
    pub(crate) hide: bool,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FieldConfig {
    pub(crate) defaults: Defaults,
    pub(crate) overrides: Vec<Override>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Defaults {
    pub(crate) unit: String,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) custom: Value,
    pub(crate) links: Vec<Link>,
}

/// Where a point leads to.
#[derive(Clone, Deserialize)]
pub(crate) struct Link {
    pub(crate) url: String,
}

/// What is different for some of the values.
#[derive(Clone, Deserialize)]
pub(crate) struct Override {
    matcher: Matcher,
    properties: Vec<Property>,
}

#[derive(Clone, Deserialize)]
struct Matcher {
    id: String,
    #[serde(default)]
    options: Value,
}

#[derive(Clone, Deserialize)]
struct Property {
    id: String,
    #[serde(default)]
    value: Value,
}

#[derive(Clone, Deserialize)]
pub(crate) struct Transformation {
    id: String,
    #[serde(default)]
    options: Value,
}

/// A heading, and the panels below it.
pub(crate) struct Section<'a> {
    pub(crate) title: &'a str,
    pub(crate) panels: Vec<&'a Panel>,
}

impl Folder {
    /// Reads every file that ends with `.json`. One that is broken does not keep the others from being read.
    pub(crate) fn read(folder: &Path) -> io::Result<Self> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                paths.push(path);
            }
        }
        paths.sort();
        let mut read = Self { dashboards: Vec::new(), broken: Vec::new() };
        for path in paths {
            read.add(&path);
        }
        read.dashboards.sort_by(|one, other| one.title.cmp(&other.title));
        Ok(read)
    }

    fn add(&mut self, path: &Path) {
        let known = |uid: &str| self.dashboards.iter().find(|known| known.uid == uid);
        let read = Dashboard::read(path).and_then(|dashboard| match known(&dashboard.uid) {
            Some(other) => Err(format!("its `uid` is that of \"{}\"; give it another one", other.title)),
            None => Ok(dashboard),
        });
        match read {
            Ok(dashboard) => self.dashboards.push(dashboard),
            Err(reason) => self.broken.push(Broken { file: path.display().to_string(), reason }),
        }
    }
}

impl Dashboard {
    fn read(path: &Path) -> Result<Self, String> {
        let mut text = String::new();
        let file = fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_string(&mut text));
        file.map_err(|error| format!("it cannot be read: {error}"))?;
        let mut dashboard: Self = serde_json::from_str(&text).map_err(|error| {
            format!("it is not a dashboard of Grafana: {error}; generate it again, or export it in the classic model")
        })?;
        if dashboard.uid.is_empty() {
            dashboard.uid = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        }
        Ok(dashboard)
    }

    /// All panels below their headings, from top to bottom and from left to right.
    pub(crate) fn sections(&self) -> Vec<Section<'_>> {
        let mut items: Vec<_> = self.items.iter().collect();
        items.sort_by_key(|item| (item.grid_pos.y, item.grid_pos.x));
        let mut sections = vec![Section { title: "", panels: Vec::new() }];
        for item in items {
            if item.kind == "row" {
                sections.push(Section { title: &item.title, panels: item.panels.iter().collect() });
            } else if let Some(section) = sections.last_mut() {
                section.panels.push(item);
            }
        }
        sections.retain(|section| !section.panels.is_empty());
        sections
    }
}

impl Panel {
    /// What `custom`, `options` and so on have at a path.
    pub(crate) fn option(&self, path: &str) -> &str {
        self.options.pointer(path).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether values are stacked.
    pub(crate) fn is_stacked(&self) -> bool {
        let mode = self.field_config.defaults.custom.pointer("/stacking/mode").and_then(Value::as_str);
        mode.is_some_and(|mode| mode == "normal" || mode == "percent")
    }

    /// The unit of values with this name, if it is not the panel's.
    pub(crate) fn unit_of(&self, name: &str) -> &str {
        let overrides = self.field_config.overrides.iter();
        let mut named = overrides.filter(|it| it.matcher.id == "byName" && it.matcher.options == name);
        let unit = named.find_map(|it| it.properties.iter().find(|property| property.id == "unit"));
        unit.and_then(|unit| unit.value.as_str()).unwrap_or(&self.field_config.defaults.unit)
    }

    /// What a column is called.
    pub(crate) fn column<'a>(&'a self, name: &'a str) -> &'a str {
        let renamed = self.organized("renameByName").and_then(|names| names.get(name)?.as_str());
        renamed.filter(|renamed| !renamed.is_empty()).unwrap_or(name)
    }

    /// Whether a column is left out.
    pub(crate) fn leaves_out(&self, name: &str) -> bool {
        self.organized("excludeByName").and_then(|names| names.get(name)?.as_bool()).unwrap_or(false)
    }

    /// Columns that are renamed, in the order of the file.
    pub(crate) fn order(&self) -> Vec<&str> {
        let names = self.organized("renameByName").and_then(Value::as_object);
        names.into_iter().flat_map(|names| names.keys().map(String::as_str)).collect()
    }

    fn organized(&self, option: &str) -> Option<&Value> {
        let organize = self.transformations.iter().find(|transformation| transformation.id == "organize");
        organize.and_then(|organize| organize.options.get(option))
    }
}
