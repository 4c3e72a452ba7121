//! Where an application is that is called otherwise in its certificate.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Finds `host` when `name` is asked for, and everything else where it is.
#[derive(Debug, Clone)]
pub(crate) struct Alias {
    pub(crate) name: String,
    pub(crate) host: String,
}

impl Resolve for Alias {
    fn resolve(&self, asked: Name) -> Resolving {
        let host = match asked.as_str() == self.name {
            true => self.host.clone(),
            false => asked.as_str().to_owned(),
        };
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            let found: Vec<_> = found.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
