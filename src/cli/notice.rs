//! `strongroom policy notice` as Markdown: every text of the policy escaped, so that it is shown and does nothing.

use crate::vault::Notice;
use std::io::Write;

/// Writes the notice.
pub fn markdown(notice: &Notice, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "# Privacy notice\n\n{}, version {}.", escaped(&notice.name), notice.version)?;
    for section in notice.sections() {
        writeln!(out, "\n## {}\n", section.title)?;
        if !section.intro.is_empty() {
            writeln!(out, "{}\n", escaped(&section.intro))?;
        }
        for entry in &section.entries {
            let lines: Vec<String> = entry.lines.iter().map(|line| escaped(line)).collect();
            writeln!(out, "- **{}.** {}", escaped(&entry.term), lines.join(" "))?;
        }
    }
    Ok(())
}

/// Backslashes before what Markdown reads as its own; a line stays one line.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '&' | '!' | '~' => {
                out.push('\\');
                out.push(letter);
            }
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_text_stays_text() {
        assert_eq!(escaped("<b>[x](javascript:1)\n# y"), "\\<b\\>\\[x\\](javascript:1) \\# y");
    }

    #[test]
    fn the_sample_reads_as_a_notice() {
        let notice = crate::vault::notice_of(crate::policy::SAMPLE).unwrap();
        let mut out = Vec::new();
        markdown(&notice, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("# Privacy notice\n\nExample storefront, version 1.\n"));
        assert!(
            text.contains("\n## Your rights\n") && text.contains("- **Newsletter.** Basis: your consent.")
        );
    }
}
