//! Asks, and hands each answer to the report.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use routing_api_client::{Asker, Entry, Failure, LineError, SampleAnswer, SampleError};
use tidegate_schemas::record::{DecisionCause, Record};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::Options;
use super::pace::Clock;
use super::report::Collector;
use super::select::word;
use super::source::Source;
use super::verdict::judge;

/// How long an application that left may stay away.
const AWAY: Duration = Duration::from_secs(5);
/// Questions in a row that could not be delivered, after which nobody is there.
const UNDELIVERED: u32 = 20;
/// How often progress is shown.
const TICK: Duration = Duration::from_millis(100);

/// Asks all questions of `source` that `options` choose. What is found is in `collector`; so is why
/// it ended early.
pub(crate) async fn run(
    asker: &Asker,
    mut source: Source,
    options: &Options,
    collector: &mut Collector,
    mut show: impl FnMut(&Collector, (u64, Option<u64>)),
) {
    let mut questions = Questions {
        clock: Clock::new(options.pace, Instant::now()),
        options,
        next: None,
        asked: 0,
    };
    let most = asker.application().map_or(1, |it| it.max_in_flight.max(1));
    let most = options
        .concurrency
        .min(usize::try_from(most).unwrap_or(usize::MAX));
    let mut flight = FuturesUnordered::new();
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
    let (mut ended, mut undelivered) = (false, 0);
    while !ended || !flight.is_empty() {
        tokio::select! {
            Some(done) = flight.next(), if !flight.is_empty() => {
                let done: Done = done;
                undelivered = if done.is_delivered() { 0 } else { undelivered + 1 };
                settle(done, options, collector);
                if undelivered > 0 && !ended
                    && let Err(why) = wait(asker, undelivered).await
                {
                    collector.stopped(why);
                    ended = true;
                }
            }
            due = questions.due(&mut source, collector), if !ended && flight.len() < most => {
                match due {
                    Some(entry) => flight.extend(ask(asker, entry, options)),
                    None => ended = true,
                }
            }
            _ = tick.tick() => show(collector, source.progress()),
            _ = &mut interrupt, if !ended => {
                collector.stopped("interrupted".to_owned());
                ended = true;
            }
        }
    }
    collector.warnings(source.finish().await);
    show(collector, source.progress());
}

/// One question that is over.
struct Done {
    entry: Entry,
    answer: Result<SampleAnswer, SampleError>,
}

impl Done {
    fn is_delivered(&self) -> bool {
        let refused = SampleError::Failed(Failure::Refused);
        let Err(error) = &self.answer else {
            return true;
        };
        !matches!(error, SampleError::Down | SampleError::Lost) && *error != refused
    }
}

/// Nothing for a line that is no question after all.
fn ask(
    asker: &Asker,
    entry: Entry,
    options: &Options,
) -> Option<impl Future<Output = Done> + use<>> {
    let record = entry.record().ok()?;
    let own = Duration::from_millis(record.event.deadline_ms.into());
    let answer = asker.ask(&record.event, options.deadline.unwrap_or(own));
    drop(record);
    Some(async move {
        let answer = answer.await;
        Done { entry, answer }
    })
}

/// Gives an application that is away the time to come back.
async fn wait(asker: &Asker, undelivered: u32) -> Result<(), String> {
    if undelivered > UNDELIVERED {
        return Err(format!(
            "the application did not take {UNDELIVERED} questions in a row"
        ));
    }
    asker.wait(AWAY).await.map_err(|why| {
        let away = AWAY.as_secs();
        let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
        format!("the application left and did not come back within {away} s{why}")
    })
}

fn settle(done: Done, options: &Options, collector: &mut Collector) {
    let Ok(record) = done.entry.record() else {
        return;
    };
    let Some(expected) = &record.document else {
        return;
    };
    let took = done.answer.as_ref().ok().map(|answer| answer.took);
    let verdict = judge(&record, expected, done.answer, options);
    collector.take(&done.entry, &record, expected, verdict, took);
}

/// The questions that are chosen, each at its time.
struct Questions<'o> {
    clock: Clock,
    options: &'o Options,
    next: Option<(Entry, Instant)>,
    asked: u64,
}

impl Questions<'_> {
    /// The next question when it is due; nothing at the end. May be given up and called again.
    async fn due(&mut self, source: &mut Source, collector: &mut Collector) -> Option<Entry> {
        if self.next.is_none() {
            self.next = self.choose(source, collector).await;
        }
        let &(_, at) = self.next.as_ref()?;
        if at > Instant::now() {
            sleep_until(at).await;
        }
        self.asked += 1;
        self.next.take().map(|(entry, _)| entry)
    }

    async fn choose(
        &mut self,
        source: &mut Source,
        collector: &mut Collector,
    ) -> Option<(Entry, Instant)> {
        if self.options.limit.is_some_and(|limit| self.asked >= limit) {
            return None;
        }
        while let Some(line) = source.next().await {
            match self.look(&line) {
                Ok(at) => return line.ok().map(|entry| (entry, at)),
                Err(Unasked::Unreadable(error)) => collector.unreadable(&error),
                Err(Unasked::Skipped(why)) => collector.skip(&why),
            }
        }
        None
    }

    /// When it is due, unless it is not to be asked.
    fn look(&mut self, line: &Result<Entry, LineError>) -> Result<Instant, Unasked> {
        let entry = line
            .as_ref()
            .map_err(|error| Unasked::Unreadable(error.clone()))?;
        let record = entry.record().map_err(Unasked::Unreadable)?;
        match self.skips(&record) {
            Some(why) => Err(Unasked::Skipped(why)),
            None => Ok(self.clock.due(record.time_ms)),
        }
    }

    fn skips(&self, record: &Record<'_>) -> Option<String> {
        let only = &self.options.only;
        if !only.is_empty() && !only.iter().any(|selection| selection.matches(record)) {
            return Some("not selected".to_owned());
        }
        let is_answered = record.cause == DecisionCause::Answered;
        if record.document.is_none() || (!is_answered && !self.options.all) {
            return Some(word(&record.cause));
        }
        None
    }
}

enum Unasked {
    Unreadable(LineError),
    /// Why.
    Skipped(String),
}
