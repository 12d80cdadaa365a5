//! The types of the door in TypeScript, for the user interface. Built for the test that holds the
//! generated file, never into the product.

use std::{any::TypeId, collections::BTreeMap, fmt::Write as _};

use ts_rs::{Config, TS, TypeVisitor};

use super::{
    entry::Entry,
    state::{JOBS_KEPT, LINES_KEPT},
    table,
};

const HEAD: &str = "\
// The types of the door, generated from Rust. Do not edit: change the Rust, then run
// `EDK_BLESS=1 cargo test -p edk-tests --test host generated`.
";

/// Collects declarations, each once.
pub(super) struct Declarations {
    config: Config,
    seen: Vec<TypeId>,
    types: BTreeMap<String, String>,
    commands: String,
}

/// Returns the text of the generated file.
pub fn typescript() -> String {
    let mut all = Declarations {
        config: Config::new().with_large_int("number"),
        seen: Vec::new(),
        types: BTreeMap::new(),
        commands: String::new(),
    };
    table::declare(&mut all);
    all.visit::<Entry>();
    all.visit::<super::state::AppState>();
    all.responses();
    let mut text = HEAD.to_owned();
    for declaration in all.types.values() {
        let _ = write!(text, "\n{declaration}\n");
    }
    let _ = write!(
        text,
        "\n/** The table of commands: what each takes and gives. */\nexport interface Commands {{\n{}}}\n",
        all.commands
    );
    let _ = write!(
        text,
        "\n/** How many jobs the state keeps. */\nexport const JOBS_KEPT = {JOBS_KEPT};\n\
         /** How many lines of output a job keeps. */\nexport const LINES_KEPT = {LINES_KEPT};\n\
         \nexport type Reply<T> = {{ ok: true; output: T }} | {{ ok: false; failure: Failure }};\n"
    );
    // Where fields have comments, lines end in a space.
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

impl Declarations {
    /// Adds a row of the table.
    pub(super) fn command<I: TS + 'static, O: TS + 'static>(&mut self, name: &str) {
        self.visit::<I>();
        self.visit::<O>();
        let (input, output) = (I::name(&self.config), O::name(&self.config));
        let _ = writeln!(self.commands, "  {name}: {{ input: {input}; output: {output} }};");
    }

    /// Adds what the jobs give, by the name of their command.
    fn responses(&mut self) {
        use edk_engine::{
            BaseOutcome, BuildOutcome, DemoOutcome, DeployOutcome, Installed, PackageOutcome,
            PushOutcome, RunOutcome, UninstallOutcome, Uploaded,
        };
        let mut rows = String::new();
        self.response::<BuildOutcome>("build", &mut rows);
        self.response::<PushOutcome>("push", &mut rows);
        self.response::<Vec<PackageOutcome>>("package", &mut rows);
        self.response::<DeployOutcome>("deploy", &mut rows);
        self.response::<UninstallOutcome>("uninstall", &mut rows);
        self.response::<RunOutcome>("run", &mut rows);
        self.response::<BaseOutcome>("base", &mut rows);
        self.response::<DemoOutcome>("demo", &mut rows);
        self.response::<Installed>("install", &mut rows);
        self.response::<UninstallOutcome>("uninstall_release", &mut rows);
        self.response::<Uploaded>("upload", &mut rows);
        let text = format!(
            "/** What a job gives as `response`, by the name of its command. */\n\
             export interface Responses {{\n{rows}}}"
        );
        self.types.insert("Responses".to_owned(), text);
    }

    fn response<T: TS + 'static>(&mut self, name: &str, rows: &mut String) {
        self.visit::<T>();
        let _ = writeln!(rows, "  {name}: {};", T::name(&self.config));
    }
}

impl TypeVisitor for Declarations {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if self.seen.contains(&TypeId::of::<T>()) {
            return;
        }
        self.seen.push(TypeId::of::<T>());
        T::visit_dependencies(self);
        T::visit_generics(self);
        if T::output_path().is_some() {
            let declaration = format!("export {}", T::decl(&self.config));
            let text = match T::docs() {
                Some(docs) => format!("{}{declaration}", docs.trim_start()),
                None => declaration,
            };
            self.types.insert(T::ident(&self.config), text);
        }
    }
}
