//! Flags that describe a request.

use std::net::IpAddr;

use clap::Args;
use tidegate_schemas::admin::SampleQuestion;

/// A request; what is left out is made up.
#[derive(Debug, Args)]
pub(super) struct Described {
    /// The Request-URI
    #[arg(long)]
    uri: Option<String>,

    /// The URI in From
    #[arg(long, value_name = "URI")]
    from: Option<String>,

    /// The URI in To; the Request-URI when left out
    #[arg(long, value_name = "URI")]
    to: Option<String>,

    /// INVITE when left out
    #[arg(long)]
    pub(super) method: Option<String>,

    /// A header of the request; may be given several times
    #[arg(long, value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(String, String)>,

    /// Where the request comes from
    #[arg(long, value_name = "IP")]
    source: Option<IpAddr>,
}

impl Described {
    /// The question about it.
    pub(super) fn question(&self) -> SampleQuestion {
        SampleQuestion {
            method: self.method.clone(),
            uri: self.uri.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            source: self.source,
            headers: self.header.clone(),
            ..SampleQuestion::default()
        }
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write `Name: value`")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_a_name_a_colon_and_a_value() {
        assert_eq!(header("X-A: b:c"), Ok(("X-A".to_owned(), "b:c".to_owned())));
        assert!(header("X-A").is_err());
    }
}
