//! The environment and the command line over the file.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::Config;
use super::address;
use super::applications::RoutingListen;
use super::listen::Listen;
use super::log::LogFormat;

/// Options that stand over the file. An option wins over its variable, a variable over the file.
#[derive(Debug, Clone, Default, PartialEq, clap::Args)]
pub struct Overrides {
    /// Take SIP here, instead of the file's listeners; may be given several times. A wildcard
    /// address needs the host that others reach it by: udp:0.0.0.0:5060=sip.example.com
    #[arg(
        long,
        value_name = "TRANSPORT:ADDRESS",
        env = "TIDEGATE_LISTEN",
        value_delimiter = ','
    )]
    pub listen: Vec<Listen>,

    /// Let routing applications dial in here, instead of the file's listeners; with =kamailio behind
    /// it, applications written for Kamailio's evapi
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "TIDEGATE_ROUTING_LISTEN",
        value_delimiter = ','
    )]
    pub routing_listen: Vec<RoutingListen>,

    /// Route by this document when no application decides
    #[arg(long, value_name = "FILE", env = "TIDEGATE_FALLBACK_DOCUMENT")]
    pub fallback_document: Option<PathBuf>,

    /// Serve the admin API here, instead of the file's address
    #[arg(long, value_name = "ADDRESS", env = "TIDEGATE_ADMIN_LISTEN", value_parser = address::parse_socket)]
    pub admin_listen: Option<SocketAddr>,

    /// The secret that requests to the admin API show
    #[arg(
        long,
        value_name = "SECRET",
        env = "TIDEGATE_ADMIN_TOKEN",
        hide_env_values = true
    )]
    pub admin_token: Option<String>,

    /// Threads that handle SIP
    #[arg(long, value_name = "N", env = "TIDEGATE_SHARDS")]
    pub shards: Option<u8>,

    /// The name of this proxy in events and logs
    #[arg(long, value_name = "NAME", env = "TIDEGATE_NODE")]
    pub node: Option<String>,

    /// What to log: error, warn, info or debug
    #[arg(long, value_name = "LEVEL", env = "TIDEGATE_LOG")]
    pub log: Option<String>,

    /// How to log
    #[arg(long, value_name = "FORMAT", env = "TIDEGATE_LOG_FORMAT")]
    pub log_format: Option<LogFormat>,
}

impl Overrides {
    pub(super) fn apply(&self, config: &mut Config) {
        if !self.listen.is_empty() {
            config.listen.clone_from(&self.listen);
        }
        if !self.routing_listen.is_empty() {
            config.routing.listen.clone_from(&self.routing_listen);
        }
        if let Some(file) = &self.fallback_document {
            config.routing.fallback.document = None;
            config.routing.fallback.document_file = Some(file.clone());
        }
        config.admin.listen = self.admin_listen.or(config.admin.listen);
        config.admin.enabled |= self.admin_listen.is_some();
        if let Some(token) = &self.admin_token {
            config.admin.token = Some(token.clone());
        }
        config.shards = self.shards.or(config.shards);
        set(&mut config.node, self.node.as_ref());
        set(&mut config.log.level, self.log.as_ref());
        set(&mut config.log.format, self.log_format.as_ref());
    }
}

fn set<T: Clone>(value: &mut T, over: Option<&T>) {
    if let Some(over) = over {
        value.clone_from(over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_stand_over_the_file_and_leave_the_rest() {
        let text = "node = \"file\"\nshards = 2\n[log]\nlevel = \"warn\"\n";
        let overrides = Overrides {
            listen: vec!["udp:127.0.0.1:5070".parse().unwrap()],
            routing_listen: vec!["127.0.0.1:0=kamailio".parse().unwrap()],
            shards: Some(3),
            log: Some("debug".to_owned()),
            ..Overrides::default()
        };
        let config = Config::from_toml(text, None, &overrides).unwrap();
        assert_eq!(config.listen, overrides.listen);
        assert_eq!(config.routing.listen, overrides.routing_listen);
        assert_eq!((config.shards, config.node.as_str()), (Some(3), "file"));
        assert_eq!(config.log.level, "debug");
    }
}
