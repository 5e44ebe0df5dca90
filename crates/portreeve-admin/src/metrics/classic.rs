//! The older text form, 0.0.4, made from OpenMetrics: there, `# HELP` and `# TYPE` name a counter with its `_total`.

/// Rewrites the comment lines; samples are the same in both forms.
pub(super) fn from_open_metrics(page: &str) -> String {
    let mut classic = String::with_capacity(page.len());
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        let kind = lines
            .peek()
            .copied()
            .filter(|_| line.starts_with("# HELP "))
            .unwrap_or(line);
        match line {
            "# EOF" => continue,
            _ if is_counter_type(kind) => push_with_total(&mut classic, line),
            _ => classic.push_str(line),
        }
        classic.push('\n');
    }
    classic
}

fn is_counter_type(line: &str) -> bool {
    line.starts_with("# TYPE ") && line.ends_with(" counter")
}

/// `# TYPE name counter` becomes `# TYPE name_total counter`; the same for `# HELP`.
fn push_with_total(classic: &mut String, line: &str) {
    let name_end = line.match_indices(' ').nth(2).map_or(line.len(), |(at, _)| at);
    let (head, rest) = line.split_at(name_end);
    classic.push_str(head);
    classic.push_str("_total");
    classic.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_counters_get_their_suffix_in_help_and_type() {
        let page = "# HELP a_count Things counted.\n# TYPE a_count counter\na_count_total{x=\"# TYPE y counter\"} 1\n\
            # HELP b_now Things now.\n# TYPE b_now gauge\nb_now 2\n# EOF\n";

        assert_eq!(
            from_open_metrics(page),
            "# HELP a_count_total Things counted.\n# TYPE a_count_total counter\n\
            a_count_total{x=\"# TYPE y counter\"} 1\n\
            # HELP b_now Things now.\n# TYPE b_now gauge\nb_now 2\n"
        );
    }
}
