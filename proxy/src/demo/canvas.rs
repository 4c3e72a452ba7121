//! Rows of characters, each with a tone, to draw on.

use super::style::{Style, Tone};

#[derive(Debug, Default)]
pub(super) struct Canvas {
    rows: Vec<Vec<Cell>>,
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    symbol: char,
    tone: Tone,
}

const BLANK: Cell = Cell {
    symbol: ' ',
    tone: Tone::Plain,
};

impl Canvas {
    /// Begins a new row, which is the last one from here on.
    pub(super) fn row(&mut self) {
        self.rows.push(Vec::new());
    }

    /// Writes into the last row.
    pub(super) fn put(&mut self, column: usize, text: &str, tone: Tone) {
        for (at, symbol) in (column..).zip(text.chars()) {
            self.set(at, symbol, tone);
        }
    }

    pub(super) fn set(&mut self, column: usize, symbol: char, tone: Tone) {
        let Some(row) = self.rows.last_mut() else {
            return;
        };
        if row.len() <= column {
            row.resize(column + 1, BLANK);
        }
        if let Some(cell) = row.get_mut(column) {
            *cell = Cell { symbol, tone };
        }
    }

    /// The rows as lines, without blanks at their ends.
    pub(super) fn lines(&self, style: Style) -> Vec<String> {
        self.rows.iter().map(|row| line(row, style)).collect()
    }
}

fn line(row: &[Cell], style: Style) -> String {
    let used = row.iter().rposition(|cell| cell.symbol != ' ');
    let row = row.get(..used.map_or(0, |last| last + 1)).unwrap_or(row);
    let runs = row.chunk_by(|a, b| a.tone == b.tone);
    runs.map(|run| {
        let text: String = run.iter().map(|cell| cell.symbol).collect();
        style.paint(run.first().map_or(Tone::Plain, |cell| cell.tone), &text)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_strokes_cover_earlier_ones_and_equal_tones_are_one_run() {
        let mut canvas = Canvas::default();
        canvas.row();
        canvas.put(2, "abcd", Tone::Success);
        canvas.set(3, 'X', Tone::Plain);
        canvas.put(7, "  ", Tone::Plain);
        assert_eq!(canvas.lines(Style { coloured: false }), ["  aXcd"]);
        assert_eq!(
            canvas.lines(Style { coloured: true }),
            ["  \x1b[32ma\x1b[0mX\x1b[32mcd\x1b[0m"]
        );
    }
}
