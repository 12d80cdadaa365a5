//! Measurements and how they are printed.

use std::time::Duration;

/// What was measured.
pub(crate) struct Row {
    what: &'static str,
    bar: &'static str,
    ours: Vec<Duration>,
    theirs: Vec<Duration>,
}

impl Row {
    /// Times ours and theirs in turns.
    pub(crate) fn paired(
        what: &'static str,
        bar: &'static str,
        pairs: usize,
        mut ours: impl FnMut(usize) -> Duration,
        mut theirs: impl FnMut(usize) -> Duration,
    ) -> Self {
        let mut row = Self { what, bar, ours: Vec::new(), theirs: Vec::new() };
        for n in 0..=pairs {
            let (one, two) = (ours(n), theirs(n));
            if n > 0 {
                row.ours.push(one);
                row.theirs.push(two);
            }
        }
        row
    }

    /// Times ours alone.
    pub(crate) fn alone(
        what: &'static str,
        bar: &'static str,
        times: usize,
        mut ours: impl FnMut(usize) -> Duration,
    ) -> Self {
        ours(0);
        let ours = (1..=times).map(ours).collect();
        Self { what, bar, ours, theirs: Vec::new() }
    }

    fn line(&self) -> String {
        let ratios: Vec<f64> = self
            .ours
            .iter()
            .zip(&self.theirs)
            .map(|(one, two)| one.as_secs_f64() / two.as_secs_f64())
            .collect();
        let ratio = match ratios.is_empty() {
            true => String::new(),
            false => format!("{:.3} ({:.3}-{:.3})", median(&ratios), least(&ratios), most(&ratios)),
        };
        let (what, bar) = (self.what, self.bar);
        format!("{what:32} {:24} {:26} {ratio:22} {bar}", times(&self.ours), times(&self.theirs))
    }
}

pub(crate) fn print(peer: &str, rows: &[Row]) {
    println!(
        "{:32} {:24} {:26} {:22} bar",
        "median (min-max)",
        "edk, ms",
        format!("{peer}, ms"),
        "ratio, pair by pair"
    );
    for row in rows {
        println!("{}", row.line());
    }
}

fn times(times: &[Duration]) -> String {
    if times.is_empty() {
        return "-".to_owned();
    }
    let ms: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
    format!("{:.1} ({:.1}-{:.1})", median(&ms), least(&ms), most(&ms))
}

fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn least(numbers: &[f64]) -> f64 {
    numbers.iter().copied().fold(f64::INFINITY, f64::min)
}

fn most(numbers: &[f64]) -> f64 {
    numbers.iter().copied().fold(0.0, f64::max)
}
