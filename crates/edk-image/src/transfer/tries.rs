//! How often, and after which pauses, something is tried again.

use std::time::Duration;

use crate::transfer::{fault::WireError, wire::Wire};

/// How often a registry that has answered before is asked again.
const PATIENT: u32 = 6;
/// How often one that never did: its name or address may simply be wrong.
const DOUBTFUL: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// A registry that asks for a longer pause than this is given up.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Counts the attempts at one thing, and waits longer before each.
#[derive(Debug, Clone)]
pub(crate) struct Tries {
    made: u32,
    limit: u32,
}

impl Tries {
    /// Starts to count; `heard` says whether the registry has ever answered.
    pub(crate) fn new(heard: bool) -> Self {
        Self { made: 1, limit: if heard { PATIENT } else { DOUBTFUL } }
    }

    /// Counts from the beginning again: something was achieved since the last attempt.
    pub(crate) fn progressed(&mut self) {
        self.made = 1;
    }

    /// The pause before the next attempt, doubled each time, or as the registry wants it; `None`
    /// when there is to be no other.
    fn pause(&self, error: &WireError) -> Option<Duration> {
        let wanted = error.passing()?;
        let own = FIRST_PAUSE * 2_u32.pow(self.made - 1);
        let pause = wanted.unwrap_or(own).max(own);
        (self.made < self.limit && pause <= LONGEST_PAUSE).then_some(pause)
    }

    /// Waits for the next attempt; or returns `error`, when another would not help.
    ///
    /// # Errors
    /// `error`.
    pub(crate) async fn again(&mut self, error: WireError, wire: &Wire) -> Result<(), WireError> {
        let Some(pause) = self.pause(&error) else { return Err(error) };
        let seconds = pause.as_secs_f64();
        let (made, limit) = (self.made + 1, self.limit);
        let text = format!("{}: {error}; again in {seconds} s ({made} of {limit})", wire.registry);
        wire.monitor.line(&text);
        tokio::time::sleep(pause).await;
        self.made += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, wait: Option<u64>) -> WireError {
        let wait = wait.map(Duration::from_secs);
        WireError::Answer { status, said: String::new(), wait }
    }

    #[test]
    fn pauses_double_and_a_registry_may_ask_for_longer_ones() {
        let pause = |made: u32, heard: bool, error: &WireError| {
            Tries { made, ..Tries::new(heard) }.pause(error).map(|it| it.as_millis())
        };
        assert_eq!(pause(1, true, &answer(503, None)), Some(200));
        assert_eq!(pause(3, true, &answer(500, None)), Some(800));
        assert_eq!(pause(6, true, &answer(503, None)), None);
        assert_eq!(pause(3, false, &answer(503, None)), None);
        assert_eq!(pause(1, true, &answer(429, Some(7))), Some(7000));
        assert_eq!(pause(1, true, &answer(429, Some(3600))), None);
        assert_eq!(pause(1, true, &answer(404, None)), None);
        assert_eq!(pause(1, true, &WireError::Cut { got: 1, size: 2 }), Some(200));
    }
}
