//! Colours on a terminal.

/// What a piece of text is, and so how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Tone {
    #[default]
    Plain,
    /// In the background: lifelines, times.
    Faint,
    Title,
    Request,
    Provisional,
    Success,
    Failure,
    /// What goes to or comes from the application.
    Application,
}

/// Whether there are colours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) coloured: bool,
}

impl Style {
    pub(super) fn paint(self, tone: Tone, text: &str) -> String {
        if !self.coloured || tone == Tone::Plain {
            return text.to_owned();
        }
        format!("\x1b[{}m{text}\x1b[0m", tone.code())
    }
}

impl Tone {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Faint => "2",
            Self::Title => "1",
            Self::Request => "36",
            Self::Provisional => "34",
            Self::Success => "32",
            Self::Failure => "31",
            Self::Application => "35",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colours_text_stays_as_it_is() {
        let plain = Style { coloured: false };
        assert_eq!(plain.paint(Tone::Failure, "x"), "x");
        let coloured = Style { coloured: true };
        assert_eq!(coloured.paint(Tone::Failure, "x"), "\x1b[31mx\x1b[0m");
        assert_eq!(coloured.paint(Tone::Plain, "x"), "x");
    }
}
