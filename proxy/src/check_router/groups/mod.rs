//! What is tried, one file for each group of checks.

mod answers;
mod bursts;
mod calls;
mod cancelled;
mod drain;
mod hello;
mod http;
mod large;
mod noise;
mod ping;
mod unknown;

use super::bench::Bench;
use super::catalogue::Group;

/// Tries what belongs to one group.
pub(super) async fn run(group: Group, bench: &mut Bench) {
    match group {
        Group::Hello => hello::run(bench).await,
        Group::Answers => answers::run(bench).await,
        Group::Unknown => unknown::run(bench).await,
        Group::Cancelled => cancelled::run(bench).await,
        Group::Ping => ping::run(bench).await,
        Group::Calls => calls::run(bench).await,
        Group::Bursts => bursts::run(bench).await,
        Group::Large => large::run(bench).await,
        Group::Noise => noise::run(bench).await,
        Group::Http => http::run(bench).await,
        Group::Drain => drain::run(bench).await,
    }
}
