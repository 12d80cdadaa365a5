//! The table of rules, family by family.

mod chart;
mod chart_files;
mod dags;
mod delivery;
mod dockerfile;
mod dockerfile_use;
mod forms;
pub(crate) mod guard;
mod layout;
mod operators;
pub(crate) mod render;
mod suppressions;
mod task_api;
mod values;
mod verdicts;

use super::rule::Rule;

/// Rules about one thing.
#[derive(Debug)]
pub struct Family {
    /// The letter their ids begin with.
    pub letter: char,
    /// What they are about.
    pub title: &'static str,
    /// The rules, by id.
    pub rules: &'static [Rule],
}

/// All rules.
pub const FAMILIES: &[Family] = &[
    Family { letter: 'L', title: "Layout, names and versions", rules: layout::RULES },
    Family { letter: 'D', title: "Dockerfiles", rules: dockerfile::RULES },
    Family { letter: 'D', title: "What Dockerfiles are for", rules: dockerfile_use::RULES },
    Family { letter: 'P', title: "DAGs", rules: dags::RULES },
    Family { letter: 'P', title: "Forms", rules: forms::RULES },
    Family { letter: 'P', title: "Operators", rules: operators::RULES },
    Family { letter: 'C', title: "Charts", rules: chart::RULES },
    Family { letter: 'C', title: "What charts render to", rules: render::RULES },
    Family { letter: 'C', title: "Values and parameters", rules: values::RULES },
    Family { letter: 'C', title: "Files of charts", rules: chart_files::RULES },
    Family { letter: 'C', title: "What those say who take charts", rules: verdicts::RULES },
    Family { letter: 'T', title: "Task API", rules: task_api::RULES },
    Family { letter: 'G', title: "Patient data and secrets", rules: guard::RULES },
    Family { letter: 'F', title: "Delivery", rules: delivery::RULES },
    Family { letter: 'S', title: "Allowed findings", rules: suppressions::RULES },
];

/// Returns all rules.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.iter().flat_map(|family| family.rules)
}

/// Returns the rule with an id, in capital letters or not.
pub fn find(id: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.id.eq_ignore_ascii_case(id))
}
