//! An event written by hand, with Kamailio's variables in it.

use std::str::FromStr;

use tidegate_schemas::{ConsultationId, RouteEvent};

use super::variables::Variable;

/// The text of an event, compiled. Variables are written as in kamailio.cfg: `$rU`, `$(rU)`,
/// `$hdr(X-Account)`, `$T(id_index)`; `$$` is a dollar sign.
///
/// Every value is escaped for the inside of a JSON string, and is empty where there is none, so a
/// caller can't break out of the template's quotes. Numbers may stand without quotes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template {
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Variable(Variable),
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A dollar sign with nothing behind it that could be a name.
    #[error("character {position}: a variable's name is needed behind `$`; `$$` is a dollar sign")]
    NoName {
        /// Counted from 1.
        position: usize,
    },
    /// Kamailio may know this variable, the proxy does not.
    #[error("character {position}: unknown variable `{name}`")]
    UnknownVariable {
        /// As it is written.
        name: String,
        /// Of its dollar sign, counted from 1.
        position: usize,
    },
    /// A parenthesis is left open.
    #[error("character {position}: `(` without `)`")]
    Unclosed {
        /// Of the variable's dollar sign, counted from 1.
        position: usize,
    },
}

impl Template {
    /// Whether `$T(id_index)` and `$T(id_label)` are in it, without which nobody can answer on a
    /// connection that carries many questions.
    #[must_use]
    pub fn names_consultation(&self) -> bool {
        self.has(&Variable::IdIndex) && self.has(&Variable::IdLabel)
    }

    /// Appends the event to `out`.
    pub(crate) fn render(&self, id: ConsultationId, event: &RouteEvent<'_>, out: &mut Vec<u8>) {
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => out.extend_from_slice(text.as_bytes()),
                Segment::Variable(variable) => variable.push(id, event, out),
            }
        }
    }

    fn has(&self, wanted: &Variable) -> bool {
        let mut segments = self.segments.iter();
        segments.any(|s| matches!(s, Segment::Variable(found) if found == wanted))
    }

    fn push_literal(&mut self, text: &str) {
        match self.segments.last_mut() {
            _ if text.is_empty() => {}
            Some(Segment::Literal(literal)) => literal.push_str(text),
            _ => self.segments.push(Segment::Literal(text.to_owned())),
        }
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let mut template = Self {
            segments: Vec::new(),
        };
        let mut rest = text;
        while let Some((literal, behind)) = rest.split_once('$') {
            template.push_literal(literal);
            if let Some(after) = behind.strip_prefix('$') {
                template.push_literal("$");
                rest = after;
                continue;
            }
            let before = text.len() - behind.len() - 1;
            let position = text.get(..before).unwrap_or_default().chars().count() + 1;
            let (variable, after) = variable(behind, position)?;
            template.segments.push(Segment::Variable(variable));
            rest = after;
        }
        template.push_literal(rest);
        Ok(template)
    }
}

/// Reads the variable in front of `text`, and gives back what is behind it.
fn variable(text: &str, position: usize) -> Result<(Variable, &str), TemplateError> {
    if let Some(inner) = text.strip_prefix('(') {
        let (inner, after) = closed(inner, position)?;
        let (name, argument, trailing) = name_and_argument(inner, position)?;
        let found = Variable::find(name, argument).filter(|_| trailing.is_empty());
        return match found {
            Some(variable) => Ok((variable, after)),
            None => Err(unknown(format!("$({inner})"), position)),
        };
    }
    let (name, argument, after) = name_and_argument(text, position)?;
    let written = text.strip_suffix(after).unwrap_or(text);
    match Variable::find(name, argument) {
        Some(variable) => Ok((variable, after)),
        None => Err(unknown(format!("${written}"), position)),
    }
}

/// A name that needs no argument takes none: what is behind it is text.
fn name_and_argument(
    text: &str,
    position: usize,
) -> Result<(&str, Option<&str>, &str), TemplateError> {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    let (name, after) = text.split_at_checked(end).unwrap_or((text, ""));
    if name.is_empty() {
        return Err(TemplateError::NoName { position });
    }
    match after.strip_prefix('(') {
        None => Ok((name, None, after)),
        Some(_) if Variable::find(name, None).is_some() => Ok((name, None, after)),
        Some(inner) => closed(inner, position).map(|(arg, after)| (name, Some(arg), after)),
    }
}

/// Splits at the parenthesis that closes the one before `text`.
fn closed(text: &str, position: usize) -> Result<(&str, &str), TemplateError> {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            ')' => {
                let inside = text.get(..at).unwrap_or_default();
                return Ok((inside, text.get(at + 1..).unwrap_or_default()));
            }
            _ => {}
        }
    }
    Err(TemplateError::Unclosed { position })
}

fn unknown(name: String, position: usize) -> TemplateError {
    TemplateError::UnknownVariable { name, position }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples;

    fn rendered(template: &str) -> String {
        let template: Template = template.parse().unwrap();
        let mut out = Vec::new();
        template.render(samples::id(9), &samples::event(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn variables_stand_among_text() {
        assert_eq!(rendered("a $rU b$fU,$rm"), "a 102 b101,INVITE");
        assert_eq!(rendered("$(rU)7 $hdr(X-Account)$T(id_index)"), "1027 429");
        assert_eq!(rendered("$(hdr(X-Account))"), "42");
        assert_eq!(rendered("100 $$ $$rU"), "100 $ $rU");
        assert_eq!(rendered("$rU(x)"), "102(x)");
        assert_eq!(rendered(""), "");
    }

    #[test]
    fn a_template_without_the_two_ids_can_be_told() {
        let named = |text: &str| text.parse::<Template>().unwrap().names_consultation();
        assert!(named("$T(id_label) $T(id_index)"));
        assert!(!named("$T(id_label)") && !named("$$T(id_index)$T(id_label)"));
    }

    #[track_caller]
    fn refused(template: &str, expected: &str) {
        let error = template.parse::<Template>().unwrap_err();
        assert_eq!(error.to_string(), expected, "{template}");
    }

    #[test]
    fn errors_name_the_variable_and_its_place() {
        refused("é $xyz", "character 3: unknown variable `$xyz`");
        refused("$T(nothing)", "character 1: unknown variable `$T(nothing)`");
        refused(
            "$(ru{uri.user})",
            "character 1: unknown variable `$(ru{uri.user})`",
        );
        refused(
            "a$",
            "character 2: a variable's name is needed behind `$`; `$$` is a dollar sign",
        );
        refused("$hdr(X", "character 1: `(` without `)`");
        refused("$hdr()", "character 1: unknown variable `$hdr()`");
    }

    proptest! {
        #[test]
        fn no_value_breaks_out_of_its_quotes(
            user in "[^@:]*", display in ".*", header in "(.|[\\x00-\\x1f\"\\\\])*"
        ) {
            let uri = format!("sip:{user}@example.com");
            let mut event = samples::event();
            event.request.uri = uri.as_str().into();
            event.request.from.display = Some(display.as_str().into());
            event.request.headers = vec![("X".into(), header.as_str().into())];
            let template: Template =
                r#"{"u":"$rU","n":"$fn","h":"$hdr(X)","m":"$mb","i":$T(id_index)}"#.parse().unwrap();
            let mut out = Vec::new();
            template.render(samples::id(9), &event, &mut out);
            let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!(read["u"].as_str(), Some(user.as_str()));
            prop_assert_eq!(read["n"].as_str(), Some(display.as_str()));
            prop_assert_eq!(read["h"].as_str(), Some(header.as_str()));
            prop_assert_eq!(read.as_object().unwrap().len(), 5);
        }

        #[test]
        fn any_text_is_a_template_or_an_error(text in "[$()a-zA-Z{} é]*") {
            let _ = text.parse::<Template>();
        }
    }
}
