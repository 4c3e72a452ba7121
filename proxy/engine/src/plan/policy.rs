//! Which outcomes let the next route start.

use smallvec::SmallVec;
use tidegate_schemas::DocumentError;
use tidegate_schemas::document::Outcome;

use super::BranchOutcome;
use super::pointer::{At, refuse, show};

/// The rules of one level.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Policy {
    continue_on: Words,
    stop_on: Words,
    ask_on: Words,
}

type Words = SmallVec<[Word; 4]>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Code(u16),
    Class(u16),
    Timeout,
    Transport,
}

/// What the outcome of a route means to the group around it. The lesser one is the better response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Verdict {
    rank: u8,
    pub(super) then: Ruling,
}

/// What follows an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ruling {
    /// Nothing.
    Stop,
    /// The application is asked, for this was a 3xx.
    AskRedirected,
    /// The application is asked.
    AskFailed,
    /// The next route.
    GoOn,
}

impl Verdict {
    /// The verdict on an outcome that no policy mentions, or on which one said `ruling`.
    pub(super) fn new(outcome: BranchOutcome, ruling: Option<Ruling>) -> Self {
        Self {
            rank: rank(outcome.status()),
            then: ruling.unwrap_or_else(|| by_default(outcome)),
        }
    }

    pub(super) fn goes_on(self) -> bool {
        self.then == Ruling::GoOn
    }
}

impl Policy {
    /// The rules of a level; `None` when it has none.
    pub(super) fn compile(
        continue_on: Option<&[Outcome]>,
        stop_on: Option<&[Outcome]>,
        ask_on: Option<&[Outcome]>,
    ) -> Result<Option<Box<Self>>, DocumentError> {
        let continue_on = words(continue_on).at("continue_on")?;
        let stop_on = words(stop_on).at("stop_on")?;
        let ask_on = words(ask_on).at("ask_on")?;
        if continue_on.is_empty() && stop_on.is_empty() && ask_on.is_empty() {
            return Ok(None);
        }
        Ok(Some(Box::new(Self {
            continue_on,
            stop_on,
            ask_on,
        })))
    }

    /// What this level says of the outcome; `None` when it does not mention it.
    pub(super) fn ruling(&self, outcome: BranchOutcome) -> Option<Ruling> {
        let said = [
            (&self.ask_on, Ruling::AskFailed),
            (&self.stop_on, Ruling::Stop),
            (&self.continue_on, Ruling::GoOn),
        ];
        let mut said = said.into_iter();
        said.find_map(|(words, ruling)| mentions(words, outcome).then_some(ruling))
    }

    /// Whether some outcome leads to a question.
    pub(super) fn may_ask(&self) -> bool {
        !self.ask_on.is_empty()
    }
}

impl BranchOutcome {
    /// The response that stands for it.
    pub(super) fn status(self) -> u16 {
        match self {
            Self::Status(code) => code,
            Self::Timeout => 408,
            Self::Transport => 503,
        }
    }

    pub(super) fn is_global_failure(self) -> bool {
        self.status() / 100 == 6
    }
}

fn mentions(words: &Words, outcome: BranchOutcome) -> bool {
    let status = outcome.status();
    words.iter().any(|word| match *word {
        Word::Code(code) => code == status,
        Word::Class(class) => class == status / 100,
        Word::Timeout => outcome == BranchOutcome::Timeout,
        Word::Transport => outcome == BranchOutcome::Transport,
    })
}

fn by_default(outcome: BranchOutcome) -> Ruling {
    match outcome.status() {
        408 | 480 | 500..=599 => Ruling::GoOn,
        _ => Ruling::Stop,
    }
}

/// RFC 3261 section 16.7 step 6: 6xx first, else the lowest class; inside 4xx those first that tell
/// the caller how to go on.
fn rank(status: u16) -> u8 {
    match status {
        600.. => 0,
        0..=399 => 1,
        401 | 407 | 415 | 420 | 484 => 2,
        400..=499 => 3,
        500..=599 => 4,
    }
}

fn words(outcomes: Option<&[Outcome]>) -> Result<Words, DocumentError> {
    let outcomes = outcomes.unwrap_or_default();
    let mut words = Words::with_capacity(outcomes.len().min(8));
    for (index, outcome) in outcomes.iter().enumerate() {
        let word = Word::parse(&outcome.0).at_index(index)?;
        if !words.contains(&word) {
            words.push(word);
        }
    }
    Ok(words)
}

impl Word {
    fn parse(text: &str) -> Result<Self, DocumentError> {
        match text.as_bytes() {
            b"timeout" => Ok(Self::Timeout),
            b"transport" => Ok(Self::Transport),
            [class @ b'3'..=b'6', b'x', b'x'] => Ok(Self::Class(u16::from(class - b'0'))),
            [b'3'..=b'6', b'0'..=b'9', b'0'..=b'9'] => match text.parse() {
                Ok(code) => Ok(Self::Code(code)),
                Err(_) => unknown(text),
            },
            _ => unknown(text),
        }
    }
}

fn unknown(text: &str) -> Result<Word, DocumentError> {
    refuse(format!(
        "{} is no outcome: use a code (\"486\"), a class (\"5xx\"), \"timeout\" or \"transport\"",
        show(text)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use BranchOutcome::{Status, Timeout, Transport};

    fn policy(continue_on: &[&str], stop_on: &[&str]) -> Policy {
        let list = |words: &[&str]| -> Vec<Outcome> {
            words
                .iter()
                .map(|word| Outcome((*word).to_owned()))
                .collect()
        };
        *Policy::compile(Some(&list(continue_on)), Some(&list(stop_on)), None)
            .unwrap()
            .unwrap_or_default()
    }

    #[test]
    fn a_level_without_words_is_no_level() {
        assert_eq!(Policy::compile(Some(&[]), None, Some(&[])).unwrap(), None);
    }

    #[test]
    fn stop_wins_on_one_level_even_with_the_wider_word() {
        let policy = policy(&["503"], &["5xx"]);
        assert_eq!(policy.ruling(Status(503)), Some(Ruling::Stop));
    }

    #[test]
    fn outcomes_made_here_answer_to_their_codes_but_not_the_other_way_round() {
        let codes = policy(&["408", "503"], &[]);
        assert_eq!(codes.ruling(Timeout), Some(Ruling::GoOn));
        assert_eq!(codes.ruling(Transport), Some(Ruling::GoOn));
        let causes = policy(&["timeout", "transport"], &[]);
        assert_eq!(causes.ruling(Timeout), Some(Ruling::GoOn));
        assert_eq!(causes.ruling(Transport), Some(Ruling::GoOn));
        assert_eq!(causes.ruling(Status(408)), None);
        assert_eq!(causes.ruling(Status(503)), None);
    }

    #[test]
    fn by_default_only_a_lack_of_service_goes_on() {
        for outcome in [
            Status(408),
            Status(480),
            Status(500),
            Status(599),
            Timeout,
            Transport,
        ] {
            assert!(Verdict::new(outcome, None).goes_on(), "{outcome:?}");
        }
        for code in [302, 401, 404, 481, 486, 487, 600, 603] {
            assert!(!Verdict::new(Status(code), None).goes_on(), "{code}");
        }
    }

    /// RFC 3261 section 16.7 step 6.
    #[test]
    fn verdicts_are_ordered_as_responses_are_chosen() {
        let order = [603, 302, 407, 404, 503];
        let verdicts = order.map(|code| Verdict::new(Status(code), None));
        assert!(verdicts.is_sorted());
        assert!(
            verdicts
                .iter()
                .zip(&verdicts[1..])
                .all(|(better, worse)| better < worse)
        );
    }

    #[test]
    fn of_equally_good_outcomes_the_one_that_stops_is_taken() {
        let busy = Verdict::new(Status(486), None);
        let away = Verdict::new(Status(480), None);
        assert!(busy < away);
    }
}
