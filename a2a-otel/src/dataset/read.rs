//! Datasets from files and into files.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use super::example::Rows;
use super::{Columns, Dataset, DatasetError, csv, json};

/// What a file is, by the ending of its name.
#[derive(Clone, Copy)]
enum Format {
    Json,
    JsonLines,
    Csv,
}

impl Format {
    fn of(path: &Path) -> Result<Self, DatasetError> {
        let ending = path.extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
        match ending.as_str() {
            "json" => Ok(Self::Json),
            "jsonl" | "ndjson" => Ok(Self::JsonLines),
            "csv" => Ok(Self::Csv),
            _ => Err(DatasetError::UnknownEnding { file: path.display().to_string() }),
        }
    }

    /// What to do about a file without examples.
    fn advice(self) -> &'static str {
        match self {
            Self::Json => "write a list of examples, such as [{\"input\": \"...\"}]",
            Self::JsonLines => "write an example on each line, such as {\"input\": \"...\"}",
            Self::Csv => {
                "write the names of the columns on the first line, and an example on each further line"
            }
        }
    }
}

impl Dataset {
    /// Reads a file: JSON (`.json`), JSON lines (`.jsonl`, `.ndjson`) or a table (`.csv`). The dataset is named after the
    /// file, unless the JSON has a name.
    ///
    /// A `.json` file is a list of examples, or an object with `name`, `description` and `examples`. An example is an
    /// object with `input`, and optionally `expected` (or `output`), `metadata`, `splits`, `id` and `span_id`. This is
    /// also what Phoenix writes. [`Columns`] says how a table is read.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, has no examples, or holds something else. The error names the file and the line, and
    /// says what to do.
    ///
    /// ```no_run
    /// use a2a_otel::evaluation::Dataset;
    ///
    /// let dataset = Dataset::read("evaluation/lamps.jsonl")?;
    /// assert_eq!(dataset.name(), "lamps");
    /// # Ok::<(), a2a_otel::evaluation::DatasetError>(())
    /// ```
    pub fn read(path: impl AsRef<Path>) -> Result<Self, DatasetError> {
        let path = path.as_ref();
        let file = path.display().to_string();
        let format = Format::of(path)?;
        let bytes = fs::read(path)
            .map_err(|error| DatasetError::Unreadable { file: file.clone(), reason: error.to_string() })?;
        let name = path.file_stem().and_then(OsStr::to_str).unwrap_or(&file);
        Self::parse(name, &file, &text(&file, bytes)?, format, &Columns::default())
    }

    /// Reads JSON, as [`read`](Self::read) reads a file.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); the error names the dataset instead of the file.
    ///
    /// ```
    /// use a2a_otel::evaluation::Dataset;
    ///
    /// let dataset = Dataset::from_json("lamps", r#"[{"input": "How tall is it?", "expected": "40 cm"}]"#)?;
    /// assert_eq!(dataset.examples()[0].expected(), "40 cm");
    /// # Ok::<(), a2a_otel::evaluation::DatasetError>(())
    /// ```
    pub fn from_json(name: &str, text: &str) -> Result<Self, DatasetError> {
        Ok(Dataset {
            name: name.to_owned(),
            ..Self::parse(name, name, text, Format::Json, &Columns::default())?
        })
    }

    /// Reads JSON lines: an example on each line.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); the error names the dataset instead of the file.
    pub fn from_json_lines(name: &str, text: &str) -> Result<Self, DatasetError> {
        Self::parse(name, name, text, Format::JsonLines, &Columns::default())
    }

    /// Reads a table, whose first line names the columns.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), and if a column is missing or has no meaning; the error names the dataset instead of the
    /// file.
    pub fn from_csv(name: &str, text: &str, columns: &Columns) -> Result<Self, DatasetError> {
        Self::parse(name, name, text, Format::Csv, columns)
    }

    fn parse(
        name: &str,
        file: &str,
        text: &str,
        format: Format,
        columns: &Columns,
    ) -> Result<Self, DatasetError> {
        // Some programs begin a file with a mark that says that it is UTF-8.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (own_name, description, rows) = match format {
            _ if text.trim().is_empty() => (None, String::new(), Rows::new()),
            Format::Json => json::read(file, text)?,
            Format::JsonLines => (None, String::new(), json::read_lines(file, text)?),
            Format::Csv => (None, String::new(), csv::read(file, text, columns)?),
        };
        if rows.is_empty() {
            return Err(DatasetError::Empty { file: file.to_owned(), advice: format.advice() });
        }
        let (lines, examples): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        let dataset = Dataset::new(own_name.unwrap_or_else(|| name.to_owned())).with_description(description);
        let dataset = dataset.with_examples(examples);
        dataset.check_ids(file, |at| format!("line {}", lines[at]))?;
        Ok(dataset)
    }

    /// Writes the dataset into a file, in the form that the ending of its name says; see [`read`](Self::read). Only
    /// `.json` keeps the name and the description.
    ///
    /// # Errors
    ///
    /// If two examples have one id, the ending is not known, or the file cannot be written.
    ///
    /// ```no_run
    /// use a2a_otel::evaluation::{Dataset, Example};
    ///
    /// Dataset::new("lamps").with_example(Example::new("How tall is it?")).write("evaluation/lamps.csv")?;
    /// # Ok::<(), a2a_otel::evaluation::DatasetError>(())
    /// ```
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), DatasetError> {
        let path = path.as_ref();
        self.check()?;
        let text = match Format::of(path)? {
            Format::Json => json::write(self),
            Format::JsonLines => json::write_lines(self),
            Format::Csv => csv::write(self),
        };
        let create = || path.parent().map_or(Ok(()), fs::create_dir_all);
        let write = |text| create().and_then(|()| fs::write(path, text)).map_err(|error| error.to_string());
        let written = text.and_then(write);
        written.map_err(|reason| DatasetError::Unwritable { file: path.display().to_string(), reason })
    }
}

fn text(file: &str, bytes: Vec<u8>) -> Result<String, DatasetError> {
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        DatasetError::InvalidLine {
            file: file.to_owned(),
            line: before.split(|byte| *byte == b'\n').count(),
            reason: "it is not UTF-8; save the file as UTF-8".to_owned(),
        }
    })
}
