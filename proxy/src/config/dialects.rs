//! What is spoken with an application.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// The preset for the KamailioAgent of CGRateS.
    Cgrates,
    /// drachtio's HTTP request handler.
    Drachtio,
    /// A template and paths of your own.
    Evapi,
    /// The preset for applications of Kamailio.
    Kamailio,
    /// The contract of this project.
    #[default]
    Native,
    /// Wazo's HTTP routing.
    Wazo,
}

impl Dialect {
    /// All of them.
    pub(super) const ALL: [Self; 6] = [
        Self::Native,
        Self::Kamailio,
        Self::Evapi,
        Self::Cgrates,
        Self::Wazo,
        Self::Drachtio,
    ];

    /// As it stands in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cgrates => "cgrates",
            Self::Drachtio => "drachtio",
            Self::Evapi => "evapi",
            Self::Kamailio => "kamailio",
            Self::Native => "native",
            Self::Wazo => "wazo",
        }
    }

    /// Whether it is spoken in HTTP requests alone.
    pub(super) fn is_http(self) -> bool {
        matches!(self, Self::Wazo | Self::Drachtio)
    }

    /// Whether it is one of Kamailio's evapi, which is a stream of frames.
    pub(super) fn is_evapi(self) -> bool {
        matches!(self, Self::Kamailio | Self::Evapi | Self::Cgrates)
    }
}

/// Where in an answer of the evapi dialect things stand: keys with dots between them, such as
/// `xtra.tindex`. The empty string is the answer itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AnswerPaths {
    /// What `$T(id_index)` gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// What `$T(id_label)` gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The route document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
}

/// How messages are told apart on a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Framing {
    /// One JSON text a line.
    #[default]
    Lines,
    /// `5:hello,`.
    Netstring,
    /// JSON objects one behind the other.
    Raw,
}
