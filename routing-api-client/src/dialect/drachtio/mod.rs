//! drachtio's HTTP request handler: one request for each SIP request, one instruction back.

mod answer;
mod message;
mod query;

use bytes::Bytes;
use tidegate_schemas::document::DocumentError;
use tidegate_schemas::{RouteDocument, RouteEvent};

use super::http::{HttpDialect, HttpQuestion};

/// How a request handler is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DrachtioDialect {
    /// How much of the request it gets.
    pub method: DrachtioMethod,
}

/// How much of the request it gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DrachtioMethod {
    /// What routing needs most, in the query of a GET.
    #[default]
    Get,
    /// The request as it arrived, in the body of a POST.
    Post,
}

impl DrachtioDialect {
    pub(crate) fn question(&self, event: &RouteEvent<'_>, out: &mut Vec<u8>) {
        match self.method {
            DrachtioMethod::Get => query::push(event, out),
            DrachtioMethod::Post => message::push(&event.request, out),
        }
    }
}

impl HttpDialect for DrachtioDialect {
    fn request(&self, rendered: Bytes) -> HttpQuestion {
        match self.method {
            DrachtioMethod::Get => HttpQuestion::get(rendered),
            DrachtioMethod::Post => HttpQuestion::post("text/plain", rendered),
        }
    }

    fn answer(&self, json: &[u8]) -> Result<RouteDocument, DocumentError> {
        answer::read(json)
    }
}
