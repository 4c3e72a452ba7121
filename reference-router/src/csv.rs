//! Tables as comma-separated values (RFC 4180), with names in the first line and `#` for remarks.

/// One line behind the names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// In the file, from 1.
    pub(crate) line: usize,
    values: Vec<String>,
}

/// A table whose columns were asked for by name.
#[derive(Debug)]
pub(crate) struct Table {
    places: Vec<Option<usize>>,
    pub(crate) rows: Vec<Row>,
}

/// A line that is no row, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadLine {
    pub(crate) line: usize,
    pub(crate) reason: String,
}

impl Table {
    /// Reads a table that has to have all columns in `needed` and may have those in `optional`.
    pub(crate) fn parse(text: &str, needed: &[&str], optional: &[&str]) -> Result<Self, BadLine> {
        let mut rows = rows(text)?.into_iter();
        let names = rows.next().ok_or_else(|| BadLine {
            line: 1,
            reason: format!(
                "the first line has to name the columns: {}",
                needed.join(",")
            ),
        })?;
        let is_known = |name: &String| needed.iter().chain(optional).any(|known| known == name);
        if let Some(name) = names.values.iter().find(|name| !is_known(name)) {
            return Err(names.refused(format!(
                "unknown column {name:?}; there are {}",
                [needed, optional].concat().join(", ")
            )));
        }
        let place = |column: &&str| names.values.iter().position(|name| name == column);
        if let Some(missing) = needed.iter().find(|column| place(column).is_none()) {
            return Err(names.refused(format!("the column {missing:?} is missing")));
        }
        let places = needed.iter().chain(optional).map(place);
        let table = Self {
            places: places.collect(),
            rows: rows.collect(),
        };
        let width = names.values.len();
        match table.rows.iter().find(|row| row.values.len() != width) {
            Some(row) => {
                Err(row.refused(format!("{} values, but {width} columns", row.values.len())))
            }
            None => Ok(table),
        }
    }

    /// The value in the column at `column`, counted over those needed and then the optional ones;
    /// empty where the table has no such column.
    pub(crate) fn get<'r>(&self, row: &'r Row, column: usize) -> &'r str {
        let place = self.places.get(column).copied().flatten();
        place
            .and_then(|place| row.values.get(place))
            .map_or("", String::as_str)
    }
}

impl Row {
    pub(crate) fn refused(&self, reason: impl Into<String>) -> BadLine {
        BadLine {
            line: self.line,
            reason: reason.into(),
        }
    }
}

fn rows(text: &str) -> Result<Vec<Row>, BadLine> {
    let lines = (1..).zip(text.lines());
    let is_row = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    lines
        .filter(|(_, text)| is_row(text))
        .map(|(line, text)| match values(text) {
            Some(values) => Ok(Row { line, values }),
            None => Err(BadLine {
                line,
                reason: "a quotation mark has no end".to_owned(),
            }),
        })
        .collect()
}

fn values(line: &str) -> Option<Vec<String>> {
    let mut values = Vec::new();
    let mut rest = line;
    loop {
        let (value, behind) = value(rest)?;
        values.push(value);
        match behind {
            Some(next) => rest = next,
            None => return Some(values),
        }
    }
}

/// The first value of a line and what is behind its comma.
fn value(text: &str) -> Option<(String, Option<&str>)> {
    let Some(mut rest) = text.trim_start().strip_prefix('"') else {
        return Some(match text.split_once(',') {
            Some((value, behind)) => (value.trim().to_owned(), Some(behind)),
            None => (text.trim().to_owned(), None),
        });
    };
    let mut value = String::new();
    loop {
        let (before, behind) = rest.split_once('"')?;
        value.push_str(before);
        match behind.strip_prefix('"') {
            Some(behind) => {
                value.push('"');
                rest = behind;
            }
            None => return Some((value, behind.split_once(',').map(|(_, next)| next))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name_and_remarks_are_left_out() {
        let text =
            "# who\nuri, number,note\n\nsip:a,49,\" says \"\"hi\"\", twice\"\r\n#x\nsip:b,50,";
        let table = Table::parse(text, &["number", "uri"], &["note", "more"]).unwrap();
        let row = |at: usize| {
            let row = &table.rows[at];
            [0, 1, 2, 3].map(|column| table.get(row, column).to_owned())
        };
        assert_eq!(row(0), ["49", "sip:a", " says \"hi\", twice", ""]);
        assert_eq!(row(1), ["50", "sip:b", "", ""]);
        assert_eq!(table.rows[1].line, 6);
    }

    #[test]
    fn what_is_no_table_is_refused_with_its_line() {
        for (text, line, reason) in [
            ("", 1, "name the columns"),
            ("a,c", 1, "unknown column \"c\""),
            ("b", 1, "\"a\" is missing"),
            ("a,b\n1", 2, "1 values, but 2 columns"),
            ("a\n\n\"1", 3, "no end"),
        ] {
            let error = Table::parse(text, &["a"], &["b"]).unwrap_err();
            assert_eq!(error.line, line, "{text}");
            assert!(error.reason.contains(reason), "{text}: {}", error.reason);
        }
    }
}
