//! All checks: what each is called, the rule behind it, and what to do when it is broken.

use std::fmt;

use serde::Serialize;

/// How bad it is when a rule is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// Nothing breaks; it could be better.
    Advice,
    /// Calls suffer when something else goes wrong too.
    Warning,
    /// Calls break.
    Error,
}

/// What checks are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Group {
    Hello,
    Answers,
    Unknown,
    Cancelled,
    Ping,
    Calls,
    Bursts,
    Large,
    Noise,
    Http,
    Drain,
}

/// One rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) group: Group,
    pub(crate) severity: Severity,
    /// What an application has to do.
    pub(crate) rule: &'static str,
    /// Where that is stated.
    pub(crate) place: &'static str,
    /// What to do about it.
    pub(crate) remedy: &'static str,
}

impl Group {
    /// In the order in which they run.
    pub(crate) const ALL: [Self; 11] = [
        Self::Hello,
        Self::Answers,
        Self::Unknown,
        Self::Cancelled,
        Self::Ping,
        Self::Calls,
        Self::Bursts,
        Self::Large,
        Self::Noise,
        Self::Http,
        Self::Drain,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Answers => "answers",
            Self::Unknown => "unknown",
            Self::Cancelled => "cancelled",
            Self::Ping => "ping",
            Self::Calls => "calls",
            Self::Bursts => "bursts",
            Self::Large => "large",
            Self::Noise => "noise",
            Self::Http => "http",
            Self::Drain => "drain",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.name() == name)
    }

    pub(crate) fn checks(self) -> impl Iterator<Item = &'static Check> {
        ALL.iter().copied().filter(move |check| check.group == self)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Advice => "advice",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

macro_rules! checks {
    ($($constant:ident = $name:literal, $group:ident, $severity:ident,
        $rule:literal, $place:literal, $remedy:literal;)*) => {
        $(pub(crate) static $constant: Check = Check {
            name: $name,
            group: Group::$group,
            severity: Severity::$severity,
            rule: $rule,
            place: $place,
            remedy: $remedy,
        };)*

        /// In the order in which they are listed.
        pub(crate) static ALL: &[&Check] = &[$(&$constant),*];
    };
}

checks! {
    HELLO_FIRST = "hello.first", Hello, Error,
        "the first message is `hello`; who connected speaks first",
        "Hello", "send `{\"type\":\"hello\",\"version\":\"1.0\",\"name\":…}` before anything else; where the proxy dials, as the answer to its `hello`";
    HELLO_VERSION = "hello.version", Hello, Error,
        "`version` is 1 or 1.x: it is the contract's, not the application's",
        "Hello", "write `\"version\":\"1.0\"`; the application's own version belongs into `release`";
    HELLO_NAME = "hello.name", Hello, Error,
        "`name` says who it is: policy, counters and notifications belong to it",
        "Hello", "give the application a name, the same for all its connections";
    HELLO_TOKEN = "hello.token", Hello, Error,
        "the side that connects shows the secret",
        "Channels", "where the application dials: `token` in `hello`, or `Authorization: Bearer …` in the WebSocket handshake";
    HELLO_STRANGER = "hello.stranger", Hello, Error,
        "who has the wrong secret, or none, is refused: 401, or `error` with `unauthorized`",
        "Channels", "compare the secret before anything is answered, and close; over HTTP answer 401";
    HELLO_MAX_IN_FLIGHT = "hello.max-in-flight", Hello, Error,
        "`max_in_flight` is how many questions it takes at once on this connection",
        "Hello", "leave it out, or give a number above 0: with 0 it is never asked";
    HELLO_SUBSCRIBE = "hello.subscribe", Hello, Error,
        "`subscribe` has words out of `progress`, `answered`, `failed` and `ended`",
        "Calls", "take the words from the table; nothing ever comes for another one";
    HELLO_RELEASE = "hello.release", Hello, Advice,
        "`release` is the application's own version; over HTTP the header `application-release` has it",
        "Hello", "say it, so that recordings and reports can tell one version from the next";

    ANSWERS_ANSWERED = "answers.answered", Answers, Error,
        "each question is answered within its `deadline_ms`",
        "The event", "answer each `route`, with `error` where no decision can be made; start no clock but the application's own";
    ANSWERS_ID = "answers.id", Answers, Error,
        "the answer has the `id` of its question",
        "The document", "copy `id` from the event; keep it with the work, not in a place that the next question overwrites";
    ANSWERS_ONCE = "answers.once", Answers, Error,
        "each question has one answer",
        "When an application does not answer", "look for a second path that sends a document: an error handler, a timer, a retry";
    ANSWERS_MESSAGE = "answers.message", Answers, Error,
        "what it sends is a JSON object in a frame: a message of a known `type`, or a document, which has none",
        "What goes to and fro", "write nothing but messages to the channel: log lines belong elsewhere";
    ANSWERS_SHAPE = "answers.shape", Answers, Error,
        "a document has the shape of the contract's schema (`tidegate schema document`)",
        "The document", "correct the value at the pointer";
    ANSWERS_HONOURED = "answers.honoured", Answers, Error,
        "a document is honoured as a whole or refused",
        "What is refused", "correct the value at the pointer; where a socket or a limit is meant that this proxy has not, give its `--config`";
    ANSWERS_ERROR = "answers.error", Answers, Warning,
        "`error` says that it can't answer: the next application is asked, and without one the call fails",
        "What goes to and fro", "decide about this event too, with a reply if need be: a request can look like this";
    ANSWERS_LOOP = "answers.loop", Answers, Advice,
        "a target that is the proxy's own listener comes back to it",
        "RFC 3261 section 16.3, step 4", "name the next hop; where the way through the proxy is meant, nothing has to be done";
    ANSWERS_STATUS = "answers.status", Answers, Warning,
        "over HTTP the document comes with 200",
        "Over HTTP", "answer 200 with the document as body; refusals are documents too, and 4xx and 5xx are failures of the application";
    ANSWERS_CONTENT_TYPE = "answers.content-type", Answers, Advice,
        "the body of a response is JSON",
        "RFC 9110 section 8.3", "say `Content-Type: application/json`, so that what stands between knows too";

    UNKNOWN_KEYS = "unknown.keys", Unknown, Error,
        "unknown keys are ignored",
        "The routing API", "read the keys that are needed and pass over all others, at every level: the contract grows";
    UNKNOWN_TYPE = "unknown.type", Unknown, Error,
        "a message of an unknown type is ignored: it is no question, and no reason to close",
        "The routing API", "end the dispatch on `type` with a branch that does nothing";

    CANCELLED_OPEN = "cancelled.open", Cancelled, Error,
        "after `cancelled` an answer is of no use, and the application goes on with the next question",
        "What goes to and fro", "stop the work on that one question only; over HTTP the connection is closed instead";
    CANCELLED_UNKNOWN = "cancelled.unknown", Cancelled, Error,
        "`cancelled` may be about a question that was answered already",
        "What goes to and fro", "pass over an id that is not being worked on";

    PING_PONG = "ping.pong", Ping, Error,
        "`ping` is answered with `pong` (over HTTP with any 2xx): who is silent for two intervals of 5 s is taken for dead",
        "What goes to and fro", "answer `ping` at once, on the connection on which it came";
    PING_BUSY = "ping.busy", Ping, Error,
        "`ping` is answered while questions are open too",
        "What goes to and fro", "read the channel on while decisions are made: a decision that waits must hold up nothing else";

    CALLS_ACK = "calls.ack", Calls, Error,
        "each notification is acknowledged with its `event_id` (over HTTP with any 2xx); without it, it comes again",
        "Calls", "send `ack` when the notification was taken, with the `event_id` as it came";
    CALLS_REPEAT = "calls.repeat", Calls, Error,
        "a repeated notification is acknowledged like the first one",
        "Calls", "when `event_id` is known already, leave out the work and not the `ack`";

    BURSTS_ANSWERED = "bursts.answered", Bursts, Error,
        "as many questions as `max_in_flight` allows may be open at once, and each is answered in time",
        "Hello", "work on questions side by side, or say a smaller `max_in_flight`";
    BURSTS_MIXED = "bursts.mixed", Bursts, Error,
        "the answer with the `id` of a question is about that question",
        "Channels", "keep all that belongs to a question in one object of its own; share no buffers between them";
    BURSTS_BEYOND = "bursts.beyond", Bursts, Warning,
        "a question beyond `max_in_flight` gets an answer or `error` with `overloaded`, and the others are still answered",
        "What goes to and fro", "answer `error` at once instead of closing or crashing; the next application is asked";

    LARGE_EVENT = "large.event", Large, Error,
        "an event may be as large as a SIP message: 64 KiB, and more in JSON",
        "The event", "raise the limits of buffers, line readers and body parsers to 1 MiB at least";
    LARGE_UTF8 = "large.utf8", Large, Error,
        "text is UTF-8, and its characters may be split between two reads",
        "RFC 8259 section 8.1", "decode whole frames, not what one read brought";
    LARGE_PIECES = "large.pieces", Large, Error,
        "a frame may come in any number of pieces",
        "Channels", "keep what was read until a frame is whole; TCP has no messages";
    LARGE_TOGETHER = "large.together", Large, Error,
        "several frames may come at once",
        "Channels", "take frames from the buffer until none is whole";

    NOISE_ERROR = "noise.error", Noise, Error,
        "`error` of the proxy is news about a document: no question, and no reason to close",
        "What goes to and fro", "log it with its pointer, and go on";
    NOISE_BLANK = "noise.blank", Noise, Warning,
        "an empty line is no message",
        "Channels", "pass over lines without content";

    HTTP_KEY = "http.key", Http, Advice,
        "a request that is repeated with its `Idempotency-Key` gets the same decision",
        "Over HTTP", "keep decisions that cost something by their key for a few seconds";
    HTTP_KEEP_ALIVE = "http.keep-alive", Http, Warning,
        "connections are kept for the next request",
        "Channels", "speak HTTP/1.1 with Content-Length or chunks, and keep idle connections longer than 5 s";
    HTTP_METHODS = "http.methods", Http, Warning,
        "GET and HEAD are answered, with any status, and decide nothing",
        "RFC 9110 section 9.2.1", "answer 405 or something about the application's health";

    DRAIN_IN_FLIGHT = "drain.in-flight", Drain, Error,
        "after `drain` what is in flight is still answered",
        "What goes to and fro", "take `drain` for news: nothing new will come; go on with what is open, and close only when the proxy does";
    DRAIN_BACK = "drain.back", Drain, Error,
        "a lost connection is made again by whoever made it",
        "What goes to and fro", "connect again after each end, whatever the reason; where the proxy dials, go on listening";
    DRAIN_BACKOFF = "drain.backoff", Drain, Warning,
        "it waits between two attempts, longer each time, with a random part",
        "What goes to and fro", "wait between 0.1 and 10 s, doubled with each failure: a proxy that starts must not be knocked down";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_begins_with_its_group_and_stands_once() {
        let mut names: Vec<_> = ALL.iter().map(|check| check.name).collect();
        for check in ALL {
            let (group, _) = check.name.split_once('.').unwrap();
            assert_eq!(Group::named(group), Some(check.group), "{}", check.name);
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn every_rule_stands_in_the_documentation_or_in_an_rfc() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/routing-api.md");
        let text = std::fs::read_to_string(file).unwrap();
        let is_heading = |place: &str| {
            text.lines().any(|line| {
                let heading = line
                    .strip_prefix('#')
                    .map(|it| it.trim_start_matches('#').trim());
                heading.is_some_and(|it| it.eq_ignore_ascii_case(place))
            })
        };
        for check in ALL {
            let stated = check.place.starts_with("RFC ") || is_heading(check.place);
            assert!(stated, "{}: {}", check.name, check.place);
        }
    }
}
