//! Dialects that are spoken in HTTP requests.

use bytes::Bytes;
use http::Method;
use tidegate_schemas::RouteDocument;
use tidegate_schemas::document::DocumentError;

/// A dialect whose applications answer requests and say nothing else.
pub(crate) trait HttpDialect: Sync {
    /// The request for a question that was rendered.
    fn request(&self, rendered: Bytes) -> HttpQuestion;

    /// Reads the body of a response.
    fn answer(&self, body: &[u8]) -> Result<RouteDocument, DocumentError>;
}

/// What is sent, apart from the address and from what every request to an application has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HttpQuestion {
    pub(crate) method: Method,
    /// To stand behind the address; empty where all is in the body.
    pub(crate) query: Bytes,
    /// Of the body; nothing where there is none.
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: Bytes,
}

impl HttpQuestion {
    /// `POST` of a text of this type.
    pub(crate) fn post(content_type: &'static str, body: Bytes) -> Self {
        Self {
            method: Method::POST,
            query: Bytes::new(),
            content_type: Some(content_type),
            body,
        }
    }

    /// `GET` with everything in the query, which is encoded already.
    pub(crate) fn get(query: Bytes) -> Self {
        Self {
            method: Method::GET,
            query,
            content_type: None,
            body: Bytes::new(),
        }
    }

    /// The address with the query, behind one that it may have.
    pub(crate) fn address(&self, url: &str) -> String {
        let query = std::str::from_utf8(&self.query).unwrap_or_default();
        match (query, url.contains('?')) {
            ("", _) => url.to_owned(),
            (query, true) => format!("{url}&{query}"),
            (query, false) => format!("{url}?{query}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_stands_behind_that_of_the_address() {
        let question = HttpQuestion::get(Bytes::from_static(b"a=b"));
        assert_eq!(question.address("http://h/"), "http://h/?a=b");
        assert_eq!(question.address("http://h/?x=y"), "http://h/?x=y&a=b");
        let post = HttpQuestion::post("text/plain", Bytes::new());
        assert_eq!(post.address("http://h/?x=y"), "http://h/?x=y");
    }
}
