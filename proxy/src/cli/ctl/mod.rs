//! `tidegate ctl`.

pub(super) mod client;
mod commands;
mod recording;
mod shadows;
mod show;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::described::Described;
use super::exit;
use client::{Client, Trouble};

pub(super) const EXAMPLES: &str = "\
Examples:
  tidegate ctl applications
      Who routes, in which state, how fast, with how many failures.

  tidegate ctl ask billing-a --uri sip:+12025550123@example.com --header 'X-Account: 42'
      What would it answer? Prints the document, and whether a call could be routed by it.

  Replace core-a by core-b under load, without a failed call:
    tidegate ctl add core-b --at tcp://10.0.0.6:8448 --pool core --canary 5
    tidegate ctl applications
    tidegate ctl promote core-b
    tidegate ctl drain core-a --wait
    tidegate ctl remove core-a

  Let core-b look on first, then decide 10 calls of 100, then its share:
    tidegate ctl add core-b --at tcp://10.0.0.6:8448 --pool core --shadow 100
    tidegate ctl shadows core-b
    tidegate ctl shadows core-b --samples
    tidegate ctl promote core-b --canary 10
    tidegate ctl promote core-b

  tidegate ctl reload --dry-run
      What the file would change, key by key. Without --dry-run it is put in place.

  tidegate ctl calls
  tidegate ctl terminate 9d3f0a1c-00000007-0000002a --reason 'balance used up'
      Live calls that are followed; and the end of one of them.

  tidegate ctl applications --json | jq '.applications[] | select(.state != \"up\") | .name'
      For programs: what the admin API answered, as it came.

The proxy serves its admin API on 127.0.0.1:8450 unless [admin] says otherwise.

Exit codes:
  0  done
  1  the proxy refused, or the sample answer can't be used; why is printed
  2  the command line is wrong
  3  the admin API can't be reached";

/// Look after a running proxy.
#[derive(Debug, Args)]
pub(super) struct Ctl {
    /// Where the admin API is served
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "TIDEGATE_ADMIN_URL",
        default_value = "http://127.0.0.1:8450"
    )]
    url: String,

    /// The secret of [admin]
    #[arg(
        long,
        global = true,
        value_name = "SECRET",
        env = "TIDEGATE_ADMIN_TOKEN",
        hide_env_values = true
    )]
    token: Option<String>,

    /// Print what the admin API answered, for programs
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the applications: state, in flight, latencies, failures
    #[command(visible_alias = "list")]
    Applications,
    /// Add an application that the proxy dials or asks, or settings for one that dials in
    Add(Box<Add>),
    /// Give an application no new questions
    Drain {
        /// Its name
        name: String,
        /// Return when it has answered all that it has
        #[arg(long)]
        wait: bool,
    },
    /// Ask a drained application again
    Resume {
        /// Its name
        name: String,
    },
    /// Take an application out of the configuration
    Remove {
        /// Its name
        name: String,
    },
    /// Change an application's share of the work
    Weight {
        /// Its name
        name: String,
        /// Relative to the others of its pool; 0 gets none
        weight: u32,
    },
    /// Give an application a percentage of its pool's calls, or make it a full member with `none`
    Canary {
        /// Its name
        name: String,
        /// 0 to 100, or `none`
        #[arg(value_parser = percent)]
        percent: Percent,
    },
    /// Let an application only look on at a percentage of its pool's calls, or decide with `none`
    Shadow {
        /// Its name
        name: String,
        /// 1 to 100, or `none`
        #[arg(value_parser = percent)]
        percent: Percent,
    },
    /// Say how well applications that only look on agree with what is decided, and in what they differ
    Shadows {
        /// All about this one
        name: Option<String>,
        /// The last answers that differ, with the questions and what was decided
        #[arg(long, requires = "name")]
        samples: bool,
        /// Count anew, and forget the answers that differ
        #[arg(long, requires = "name", conflicts_with = "samples")]
        reset: bool,
    },
    /// Make a shadow a canary, or a canary a full member of its pool
    Promote {
        /// Its name
        name: String,
        /// Make it a full member, and drain all others of the pool
        #[arg(long)]
        alone: bool,
        /// The percentage of the pool's calls for a canary; a shadow gets 5 when left out
        #[arg(long, value_name = "PERCENT", conflicts_with = "alone")]
        canary: Option<u8>,
    },
    /// Ask an application a question outside of any call, and judge its answer
    Ask(Box<Ask>),
    /// List live calls that are followed
    Calls,
    /// End a live call with BYE to both sides
    Terminate {
        /// Its name, as `calls` lists it
        call: String,
        /// What stands in the Reason of the BYEs
        #[arg(long)]
        reason: Option<String>,
    },
    /// Print all counters that are not 0
    Counters {
        /// This group only: engine, routing, channels, …
        group: Option<String>,
    },
    /// Say how the recording of decisions is doing, and what it lost
    Recording,
    /// Read the configuration again, and put it in place whole or not at all
    Reload {
        /// Only show what would change
        #[arg(long)]
        dry_run: bool,
    },
    /// Print the configuration that counts, without secrets
    Config,
    /// Say whether the proxy works
    Health,
}

/// As in `[[routing.application]]`.
#[derive(Debug, Args)]
struct Add {
    /// Its name
    name: String,
    /// tcp://host:port, tls://…, ws://…, wss://…, http://…, https://…, or sip:host:port. Without it,
    /// for an application that dials in under this name
    #[arg(long, value_name = "URL")]
    at: Option<String>,
    /// Its pool; the first one when left out
    #[arg(long)]
    pool: Option<String>,
    /// Its share of the work
    #[arg(long, value_name = "N")]
    weight: Option<u32>,
    /// The percentage of its pool's calls that it gets
    #[arg(long, value_name = "PERCENT")]
    canary: Option<u8>,
    /// Let it only look on, at this percentage of its pool's calls
    #[arg(long, value_name = "PERCENT", conflicts_with = "canary")]
    shadow: Option<u8>,
    /// Questions that it gets at once
    #[arg(long, value_name = "N")]
    max_in_flight: Option<u32>,
    /// What it speaks: native, kamailio, evapi, cgrates, wazo or drachtio
    #[arg(long)]
    dialect: Option<String>,
    /// The secret that the proxy shows to it
    #[arg(
        long,
        value_name = "SECRET",
        env = "TIDEGATE_APPLICATION_TOKEN",
        hide_env_values = true
    )]
    secret: Option<String>,
    /// Give it no questions yet
    #[arg(long)]
    draining: bool,
    /// All other keys of a [[routing.application]], as JSON in this file
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Ask {
    /// Its name
    name: String,
    #[command(flatten)]
    request: Described,
    /// A whole event, as JSON in this file, instead of all that
    #[arg(long, value_name = "FILE")]
    event: Option<PathBuf>,
    /// Milliseconds to wait for the answer
    #[arg(long, value_name = "MS")]
    deadline_ms: Option<u32>,
}

/// A percentage, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Percent(Option<u8>);

fn percent(text: &str) -> Result<Percent, String> {
    if text == "none" {
        return Ok(Percent(None));
    }
    let number = text.parse().ok().filter(|percent| *percent <= 100);
    let wrong = || "write a number from 0 to 100, or none".to_owned();
    number
        .map(|percent| Percent(Some(percent)))
        .ok_or_else(wrong)
}

pub(super) fn ctl(arguments: &Ctl) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let outcome = runtime
        .map_err(|error| Trouble::Unreached(error.to_string()))
        .and_then(|runtime| runtime.block_on(commands::run(arguments)));
    match outcome {
        Ok(text) if text.is_empty() => ExitCode::from(exit::OK),
        Ok(text) => exit::answer(&text),
        Err(trouble) => exit::complain(trouble.exit(), &trouble),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_a_number_or_none() {
        assert_eq!(percent("5"), Ok(Percent(Some(5))));
        assert_eq!(percent("none"), Ok(Percent(None)));
        assert!(percent("101").is_err());
    }
}
