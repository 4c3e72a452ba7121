//! One thing that can be asked: how it is served, and what the API's document tells of it.

use std::sync::Arc;

use axum::handler::Handler;
use axum::http::{Method, StatusCode};
use axum::routing::{self, MethodRouter};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use crate::manage::Manager;

const JSON: &str = "application/json";

/// One method of one path.
pub(super) struct Operation {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// For programs that are made from the document: `addApplication`.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) query: Vec<Parameter>,
    pub(super) body: Option<Content>,
    pub(super) status: StatusCode,
    pub(super) answer: Option<Content>,
    pub(super) failures: &'static [Failing],
    pub(super) handler: MethodRouter<Arc<Manager>>,
}

/// JSON of one type, or a text.
pub(super) struct Content {
    pub(super) media: &'static str,
    pub(super) schema: fn(&mut SchemaGenerator) -> Schema,
    pub(super) example: Value,
}

/// A word of the query: `true` or `false`.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
}

/// One way in which it may fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failing {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) means: &'static str,
}

impl Operation {
    pub(super) fn get<H, T>(path: &'static str, id: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<Manager>>,
        T: 'static,
    {
        Self::new(Method::GET, path, id, routing::get(handler))
    }

    pub(super) fn post<H, T>(path: &'static str, id: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<Manager>>,
        T: 'static,
    {
        Self::new(Method::POST, path, id, routing::post(handler))
    }

    pub(super) fn patch<H, T>(path: &'static str, id: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<Manager>>,
        T: 'static,
    {
        Self::new(Method::PATCH, path, id, routing::patch(handler))
    }

    pub(super) fn delete<H, T>(path: &'static str, id: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<Manager>>,
        T: 'static,
    {
        Self::new(Method::DELETE, path, id, routing::delete(handler))
    }

    fn new(
        method: Method,
        path: &'static str,
        id: &'static str,
        handler: MethodRouter<Arc<Manager>>,
    ) -> Self {
        Self {
            method,
            path,
            id,
            summary: "",
            query: Vec::new(),
            body: None,
            status: StatusCode::NO_CONTENT,
            answer: None,
            failures: &[],
            handler,
        }
    }

    /// What it does, in a sentence.
    pub(super) fn does(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// A switch in the query.
    pub(super) fn switch(mut self, name: &'static str, description: &'static str) -> Self {
        self.query.push(Parameter { name, description });
        self
    }

    /// What has to be sent.
    pub(super) fn takes<T: JsonSchema>(mut self, example: Value) -> Self {
        self.body = Some(Content::of::<T>(example));
        self
    }

    /// What it answers when it succeeds: 200 with this. Without it: 204.
    pub(super) fn answers<T: JsonSchema>(mut self, example: Value) -> Self {
        self.status = StatusCode::OK;
        self.answer = Some(Content::of::<T>(example));
        self
    }

    /// What it answers when it succeeds: 200 with a text.
    pub(super) fn answers_text(mut self, media: &'static str, example: &str) -> Self {
        self = self.answers::<String>(example.into());
        if let Some(answer) = &mut self.answer {
            answer.media = media;
        }
        self
    }

    /// What it answers when it made something: 201 with this.
    pub(super) fn creates<T: JsonSchema>(self, example: Value) -> Self {
        let mut operation = self.answers::<T>(example);
        operation.status = StatusCode::CREATED;
        operation
    }

    /// How it fails, beside what every operation and every body has in common.
    pub(super) fn fails(mut self, failures: &'static [Failing]) -> Self {
        self.failures = failures;
        self
    }
}

impl Content {
    fn of<T: JsonSchema>(example: Value) -> Self {
        Self {
            media: JSON,
            schema: |generator| generator.subschema_for::<T>(),
            example,
        }
    }
}

impl Failing {
    pub(super) const fn new(status: StatusCode, code: &'static str, means: &'static str) -> Self {
        Self {
            status,
            code,
            means,
        }
    }
}
