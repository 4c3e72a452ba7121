//! What each command asks of the admin API.

use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tidegate_schemas::admin::{ApplicationChange, Promotion, SampleQuestion, Termination};
use tokio::time::sleep;

use super::{Add, Ask, Client, Command, Ctl, Percent, Trouble, show};

/// How often a drained application is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Carries out a command, and says what is to be printed.
pub(super) async fn run(arguments: &Ctl) -> Result<String, Trouble> {
    let client = Client::new(&arguments.url, arguments.token.as_deref())?;
    let answer = ask(&client, &arguments.command).await?;
    let text = match arguments.json {
        true => pretty(&answer),
        false => show::text(&arguments.command, &answer),
    };
    match &arguments.command {
        Command::Ask(_) if answer["valid"] == false => Err(Trouble::Invalid(text)),
        _ => Ok(text),
    }
}

async fn ask(client: &Client, command: &Command) -> Result<Value, Trouble> {
    match command {
        Command::Applications => client.get(&["applications"]).await,
        Command::Add(add) => client.post(&["applications"], &application(add)?).await,
        Command::Drain { name, wait } => drain(client, name, *wait).await,
        Command::Resume { name } => {
            client
                .post(&["applications", name, "resume"], &json!({}))
                .await
        }
        Command::Remove { name } => client.delete(&["applications", name]).await,
        Command::Weight { name, weight } => {
            let weight = Some(*weight);
            alter(
                client,
                name,
                ApplicationChange {
                    weight,
                    ..ApplicationChange::default()
                },
            )
            .await
        }
        Command::Canary {
            name,
            percent: Percent(percent),
        } => {
            let canary = Some(*percent);
            alter(
                client,
                name,
                ApplicationChange {
                    canary,
                    ..ApplicationChange::default()
                },
            )
            .await
        }
        Command::Shadow {
            name,
            percent: Percent(percent),
        } => {
            let shadow = Some(*percent);
            alter(
                client,
                name,
                ApplicationChange {
                    shadow,
                    ..ApplicationChange::default()
                },
            )
            .await
        }
        Command::Shadows {
            name,
            samples,
            reset,
        } => shadows(client, name.as_deref(), *samples, *reset).await,
        Command::Promote {
            name,
            alone,
            canary,
        } => {
            let promotion = Promotion {
                alone: *alone,
                canary: *canary,
            };
            client
                .post(&["applications", name, "promote"], &promotion)
                .await
        }
        Command::Ask(ask) => {
            client
                .post(&["applications", &ask.name, "ask"], &question(ask)?)
                .await
        }
        Command::Calls => client.get(&["calls"]).await,
        Command::Terminate { call, reason } => {
            let reason = reason.clone();
            client
                .post(&["calls", call, "terminate"], &Termination { reason })
                .await
        }
        Command::Counters { .. } => client.get(&["counters"]).await,
        Command::Recording => client.get(&["recording"]).await,
        Command::Reload { dry_run } => client.reload(*dry_run).await,
        Command::Config => client.get(&["config"]).await,
        Command::Health => client.get(&["health"]).await,
    }
}

async fn alter(client: &Client, name: &str, change: ApplicationChange) -> Result<Value, Trouble> {
    client.patch(&["applications", name], &change).await
}

async fn shadows(
    client: &Client,
    name: Option<&str>,
    samples: bool,
    reset: bool,
) -> Result<Value, Trouble> {
    match name {
        None => client.get(&["shadows"]).await,
        Some(name) if samples => client.get(&["shadows", name, "samples"]).await,
        Some(name) if reset => client.post(&["shadows", name, "reset"], &json!({})).await,
        Some(name) => client.get(&["shadows", name]).await,
    }
}

async fn drain(client: &Client, name: &str, wait: bool) -> Result<Value, Trouble> {
    let mut answer = client
        .post(&["applications", name, "drain"], &json!({}))
        .await?;
    while wait && answer["in_flight"].as_u64() != Some(0) {
        sleep(LOOK).await;
        answer = client.get(&["applications", name]).await?;
    }
    Ok(answer)
}

fn application(add: &Add) -> Result<Map<String, Value>, Trouble> {
    let mut keys = match &add.file {
        Some(file) => read(file)?,
        None => Map::new(),
    };
    let given = [
        ("name", Some(json!(add.name))),
        ("url", add.at.as_ref().map(|it| json!(it))),
        ("pool", add.pool.as_ref().map(|it| json!(it))),
        ("weight", add.weight.map(|it| json!(it))),
        ("canary", add.canary.map(|it| json!(it))),
        ("shadow", add.shadow.map(|it| json!(it))),
        ("max_in_flight", add.max_in_flight.map(|it| json!(it))),
        ("dialect", add.dialect.as_ref().map(|it| json!(it))),
        ("token", add.secret.as_ref().map(|it| json!(it))),
        ("draining", add.draining.then_some(Value::Bool(true))),
    ];
    let given = given.into_iter();
    keys.extend(given.filter_map(|(key, value)| Some((key.to_owned(), value?))));
    Ok(keys)
}

fn question(ask: &Ask) -> Result<SampleQuestion, Trouble> {
    Ok(SampleQuestion {
        event: ask.event.as_deref().map(read).transpose()?,
        deadline_ms: ask.deadline_ms,
        ..ask.request.question()
    })
}

/// A JSON object from a file.
fn read(file: &Path) -> Result<Map<String, Value>, Trouble> {
    let wrong = |why: String| Trouble::Unusable(format!("{}: {why}", file.display()));
    let bytes = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))
}

pub(super) fn pretty(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        value => serde_json::to_string_pretty(value).unwrap_or_default(),
    }
}
