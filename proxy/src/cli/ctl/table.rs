//! Columns for people.

/// Text in columns as wide as they have to be; the first `left` of them are aligned to the left.
pub(super) fn table(head: &[&str], rows: &[Vec<String>], left: usize) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|cell| cell.chars().count()).max();
        let title = head.get(column).map_or(0, |title| title.len());
        widest.unwrap_or_default().max(title)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells = cells.zip(&widths).enumerate();
        let padded = cells.map(|(i, (cell, &width))| match i < left {
            true => format!("{cell:<width$}"),
            false => format!("{cell:>width$}"),
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&mut head.iter().copied())];
    let rows = rows.iter();
    lines.extend(rows.map(|row| line(&mut row.iter().map(String::as_str))));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_have_to_be() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["core-a", "up", "7"]), row(["b", "draining", "12345"])];
        let text = table(&["NAME", "STATE", "N"], &rows, 2);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "NAME    STATE         N",
                "core-a  up            7",
                "b       draining  12345",
            ]
        );
    }
}
