//! How attempts came out, as ejection and the outlier watch count them.

use std::sync::atomic::Ordering::Relaxed;

use super::Vitals;

impl Vitals {
    /// A success ends the row.
    pub(crate) fn note_success(&self) {
        let in_a_row = &self.counts.failures_in_a_row;
        if in_a_row.load(Relaxed) != 0 {
            in_a_row.store(0, Relaxed);
        }
    }

    /// One more failure; how many in a row that makes.
    pub(crate) fn note_failure_in_a_row(&self) -> u32 {
        let before = self.counts.failures_in_a_row.fetch_add(1, Relaxed);
        before.saturating_add(1)
    }

    /// How many of the last attempts failed one after the other.
    pub(crate) fn failures_in_a_row(&self) -> u32 {
        self.counts.failures_in_a_row.load(Relaxed)
    }

    pub(crate) fn note_bad_answer(&self) {
        self.counts.bad_answers.fetch_add(1, Relaxed);
    }

    pub(crate) fn note_unanswered(&self) {
        self.counts.unanswered.fetch_add(1, Relaxed);
    }

    /// Answers whose status says that the backend failed.
    #[must_use]
    pub fn bad_answers_total(&self) -> u64 {
        self.counts.bad_answers.load(Relaxed)
    }

    /// Attempts that we or the client left before an answer.
    pub(crate) fn left_total(&self) -> u64 {
        self.counts.left.load(Relaxed)
    }

    pub(crate) fn note_left(&self) {
        self.counts.left.fetch_add(1, Relaxed);
    }

    /// Attempts that failed for want of a whole answer: reset, closed, timed out, broken.
    #[must_use]
    pub fn unanswered_total(&self) -> u64 {
        self.counts.unanswered.load(Relaxed)
    }
}
