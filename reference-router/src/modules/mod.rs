//! The modules, one file each. Each looks at a question and decides it, adds what it knows, or has
//! nothing to say.

pub(crate) mod block;
pub(crate) mod by_rule;
pub(crate) mod condition;
pub(crate) mod did;
pub(crate) mod hours;
pub(crate) mod lcr;
pub(crate) mod lnp;
pub(crate) mod prepaid;
pub(crate) mod rules;
mod shadow;

use serde::Deserialize;
use tidegate_schemas::document::RouteDocument;

/// What a module says to a question.
#[derive(Debug)]
pub(crate) enum Step {
    /// This is the answer.
    Done(Box<RouteDocument>),
    /// The next module is asked.
    Next,
    /// It can't say, and without it there is no answer.
    Unable(String),
}

impl Step {
    pub(crate) fn done(document: RouteDocument) -> Self {
        Self::Done(Box::new(document))
    }
}

/// What a module that can't reach its data leads to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnFailure {
    /// No answer: the proxy asks the next application, or does what its operator decided beforehand.
    Closed,
    /// It goes on as if the module were not there.
    #[default]
    Open,
}

impl OnFailure {
    pub(crate) fn step(self, module: &str, error: &dyn std::error::Error) -> Step {
        tracing::warn!(module, %error, "without its data: fail-{}", match self {
            Self::Closed => "closed",
            Self::Open => "open",
        });
        match self {
            Self::Closed => Step::Unable(format!("{module}: {error}")),
            Self::Open => Step::Next,
        }
    }
}

/// Which module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Name {
    Block,
    Hours,
    Lnp,
    Did,
    Rules,
    Lcr,
    Prepaid,
}

impl Name {
    /// All, in the order in which they are asked unless `[steps]` says otherwise.
    pub(crate) const ALL: [Self; 7] = [
        Self::Block,
        Self::Hours,
        Self::Lnp,
        Self::Did,
        Self::Rules,
        Self::Lcr,
        Self::Prepaid,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Hours => "hours",
            Self::Lnp => "lnp",
            Self::Did => "did",
            Self::Rules => "rules",
            Self::Lcr => "lcr",
            Self::Prepaid => "prepaid",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == word)
    }

    /// Whether it says where calls go.
    pub(crate) fn routes(self) -> bool {
        matches!(self, Self::Did | Self::Rules | Self::Lcr)
    }
}
