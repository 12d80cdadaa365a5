//! The table of rules: what each is about, how bad it is on which platform, and why.

use edk_model::{Finding, Severity};
use serde::Serialize;

use super::Platform;

/// What a platform does with a chart that breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The upload or the install fails. The file stays on the platform all the same.
    Rejected,
    /// The list of extensions fails, for every user, until the chart is repaired.
    BreaksList,
    /// The chart is never listed.
    Invisible,
    /// Something lands in the platform's own namespace, or in one nobody meant.
    AdminNamespace,
    /// An answer of the user does not arrive, or not as it was given.
    ParameterIgnored,
    /// It works, and yet is not what was meant.
    Advice,
}

impl Class {
    /// Returns it in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::BreaksList => "breaks the list for everyone",
            Self::Invisible => "invisible",
            Self::AdminNamespace => "lands in the admin namespace",
            Self::ParameterIgnored => "parameter ignored",
            Self::Advice => "advice",
        }
    }
}

/// A rule of the preflight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its id, which never changes.
    pub id: &'static str,
    /// What a platform does when it is broken.
    pub class: Class,
    /// How bad that is on each of [`Platform::ALL`]; none where it does not matter.
    pub severity: [Option<Severity>; 4],
    /// Whether a user may let it pass.
    pub can_be_forced: bool,
    /// What it asks.
    pub title: &'static str,
    /// What happens otherwise.
    pub why: &'static str,
}

impl Rule {
    /// Returns how bad it is to break the rule on `platform`, if it matters there.
    pub fn on(&self, platform: Platform) -> Option<Severity> {
        self.severity[Platform::ALL.iter().position(|it| *it == platform)?]
    }
}

const ERROR: [Option<Severity>; 4] = [Some(Severity::Error); 4];
const WARNING: [Option<Severity>; 4] = [Some(Severity::Warning); 4];
const HINT: [Option<Severity>; 4] = [Some(Severity::Hint); 4];

const fn new(
    id: &'static str,
    class: Class,
    severity: [Option<Severity>; 4],
    title: &'static str,
    why: &'static str,
) -> Rule {
    Rule { id, class, severity, can_be_forced: true, title, why }
}

/// A rule that nobody may let pass: what breaks it would be run by a shell of the platform, or
/// could not be repaired by anybody but its administrator.
const fn hard(id: &'static str, class: Class, title: &'static str, why: &'static str) -> Rule {
    Rule { id, class, severity: ERROR, can_be_forced: false, title, why }
}

use Class::{AdminNamespace, Advice, BreaksList, Invisible, ParameterIgnored, Rejected};

/// All rules.
pub const PREFLIGHT_RULES: &[Rule] = &[
    hard(
        "platform/chart-name",
        Rejected,
        "the name has at most 53 lower-case letters, digits and `-`",
        "Helm makes no release of another name; signs such as `;` would be run by the shell of the platform.",
    ),
    hard(
        "platform/version",
        Rejected,
        "the version is a semantic version of three numbers",
        "Helm does not read the archive, or a shell of the platform reads more than a version.",
    ),
    new(
        "platform/version-plain",
        BreaksList,
        ERROR,
        "the version is MAJOR.MINOR.PATCH of plain numbers",
        "Platforms compare versions part by part. `0.1.0-1` beside `0.1.0-alpha.1` takes the list down, and pre-releases are sorted above their release.",
    ),
    hard(
        "platform/version-comparable",
        BreaksList,
        "the version can be compared with those of the chart that are listed",
        "The list fails for every user, and no call can take one of the two versions away.",
    ),
    hard(
        "platform/file-name",
        Invisible,
        "the file is called `<name>-<version>.tgz`",
        "Values are read from a file of that name: the list fails once, then leaves the chart out. Other endings are not looked at at all, and a blank in the name is an error.",
    ),
    new(
        "platform/archive",
        Rejected,
        ERROR,
        "the archive is a chart that can be read",
        "Helm can't read it; the answer is `'name'` and nothing else.",
    ),
    new(
        "platform/requirements-v2",
        Rejected,
        [
            Some(Severity::Error),
            Some(Severity::Error),
            Some(Severity::Warning),
            Some(Severity::Warning),
        ],
        "a chart of apiVersion v2 has no requirements.yaml",
        "Helm warns of it, and platforms up to 0.5.0 take every warning for a failure.",
    ),
    new(
        "platform/description",
        BreaksList,
        ERROR,
        "the chart has a description",
        "The list fails for every user until a corrected chart of the same name and version replaces it.",
    ),
    new(
        "platform/parameters-shape",
        BreaksList,
        ERROR,
        "extension_params is a map of maps",
        "The list fails for every user, also when it is empty or a list.",
    ),
    new(
        "platform/keywords",
        Invisible,
        ERROR,
        "the keywords have kaapanaworkflow or kaapanaapplication",
        "Other charts are not listed as extensions; kaapanaworkflow-v2 and kaapanaplatform do not count.",
    ),
    new(
        "platform/global",
        Invisible,
        ERROR,
        "values.yaml has a map `global`",
        "Without one the list fails once, then leaves the chart out until its file changes.",
    ),
    new(
        "platform/render",
        Rejected,
        ERROR,
        "the chart renders with the values of a platform alone",
        "The upload tries an installation without extension parameters; what needs one fails there.",
    ),
    new(
        "platform/no-object",
        Rejected,
        ERROR,
        "the chart renders to at least one object that is no hook",
        "An empty manifest can't be checked; the answer is `'manifest'`.",
    ),
    new(
        "platform/object",
        Rejected,
        ERROR,
        "objects have the fields and values that Kubernetes takes",
        "The cluster validates the manifest at upload and refuses what it does not know.",
    ),
    new(
        "platform/object-twice",
        Rejected,
        ERROR,
        "no two objects have one kind, name and namespace",
        "The second can't be made: it is there already.",
    ),
    new(
        "platform/kind",
        Rejected,
        WARNING,
        "kinds are those of Kubernetes or of the platform",
        "An upload fails when the cluster does not know the kind.",
    ),
    new(
        "platform/admin-namespace",
        Rejected,
        ERROR,
        "no object is in the admin namespace",
        "The upload is refused.",
    ),
    new(
        "platform/admin-hook",
        AdminNamespace,
        ERROR,
        "no hook is in the admin namespace",
        "Hooks are not looked at: they would run among the platform's own services.",
    ),
    new(
        "platform/no-namespace",
        AdminNamespace,
        ERROR,
        "every object names its namespace",
        "What names none lands in the namespace of Helm, which is the admin namespace.",
    ),
    new(
        "platform/launch-name",
        Rejected,
        ERROR,
        "a chart that can be launched several times has a name of at most 32 characters",
        "Each launch adds 21 characters to it, and a release may have 53.",
    ),
    new(
        "platform/launch-twice",
        Rejected,
        WARNING,
        "objects of a chart that can be launched several times hold the name of the release",
        "The second launch fails: its objects belong to the first.",
    ),
    new(
        "platform/keyword-label",
        Rejected,
        [None, Some(Severity::Warning), Some(Severity::Warning), Some(Severity::Warning)],
        "keywords can be names of labels",
        "Since 0.5.0 every keyword becomes a label of the release; Kubernetes refuses others.",
    ),
    new(
        "platform/parameter-shadowed",
        ParameterIgnored,
        ERROR,
        "no parameter has the name of a text or list in `global` that is not empty",
        "The chart's own value is sent after the answer of the user, and wins. On 0.4 this holds for texts only.",
    ),
    new(
        "platform/parameter-type",
        ParameterIgnored,
        ERROR,
        "parameters have a type that the form knows",
        "Nothing is asked; the default is sent.",
    ),
    new(
        "platform/parameter-default",
        ParameterIgnored,
        ERROR,
        "parameters have a default of their type, and one of the choices",
        "The form starts with a value that it can't show, or with none.",
    ),
    new(
        "platform/parameter-empty",
        Advice,
        WARNING,
        "the default of a text is not empty",
        "The form of the platform takes no empty text: the user has to type something.",
    ),
    new(
        "platform/parameter-namespace",
        AdminNamespace,
        ERROR,
        "no parameter is called helm_namespace",
        "It changes the namespace the release goes to.",
    ),
    new(
        "platform/parameter-key",
        ParameterIgnored,
        ERROR,
        "names of parameters are letters, digits and `_ - .`",
        "A name with `;` is dropped without a word; other signs are read by a shell.",
    ),
    new(
        "platform/parameter-dots",
        ParameterIgnored,
        WARNING,
        "names of parameters have no dots",
        "Each dot makes a map of what follows.",
    ),
    new(
        "platform/parameter-unsendable",
        ParameterIgnored,
        ERROR,
        "values of parameters are texts, whole numbers, true or false, or lists of texts",
        "Null arrives as the text `None`, a map not at all, and other lists make the install fail.",
    ),
    new(
        "platform/parameter-dropped",
        ParameterIgnored,
        WARNING,
        "texts have none of `& < > \" ' ;`",
        "They are escaped for HTML, which adds a `;`, and what holds a `;` is dropped: the parameter is missing.",
    ),
    new(
        "platform/parameter-changed",
        ParameterIgnored,
        WARNING,
        "texts have no blanks and no backslashes",
        "They are taken out on the way; a number with a point becomes a text, an empty list a list of one empty text.",
    ),
    new(
        "platform/parameter-global",
        Advice,
        WARNING,
        "no parameter has the name of a value of the platform",
        "It replaces the platform's value for this release, which other templates may count on.",
    ),
    new(
        "platform/global-changed",
        ParameterIgnored,
        WARNING,
        "texts in `global` live without their blanks and backslashes",
        "They are sent like answers of the user, and lose them on the way; in a template with arguments that is an error.",
    ),
    new(
        "platform/notes",
        Advice,
        WARNING,
        "NOTES.txt gives YAML, or there is none",
        "The platform reads the status of a release as YAML: it answers 500 to every question after it, and to a second install.",
    ),
    new(
        "platform/status-label",
        Advice,
        WARNING,
        "pods have the label by which a platform finds them",
        "The platform shows no state for the release: it looks for `app-name` on 0.4, for `app.kubernetes.io/name` since 0.5.0, with the value of the Deployment's selector.",
    ),
    new(
        "platform/pull-always",
        Advice,
        WARNING,
        "no image is always pulled",
        "An image that was only imported is not in a registry, and can't be pulled.",
    ),
    new(
        "platform/privileged",
        Rejected,
        WARNING,
        "no container is privileged",
        "A policy of the platform refuses it unless the platform is in development mode.",
    ),
    new(
        "platform/experimental",
        Advice,
        HINT,
        "the keywords have no kaapanaexperimental",
        "The page of extensions hides such a chart until its filter is changed.",
    ),
];

/// Returns the rule `id`.
pub fn rule(id: &str) -> Option<&'static Rule> {
    PREFLIGHT_RULES.iter().find(|rule| rule.id == id)
}

/// Returns a finding of a rule, as bad as it is on the newest platform.
pub(super) fn found(id: &str, message: impl Into<String>) -> Finding {
    let mut finding = Finding::error(id, message);
    let severity = rule(id).and_then(|rule| rule.on(Platform::default()));
    finding.severity = severity.unwrap_or(Severity::Error);
    finding
}
