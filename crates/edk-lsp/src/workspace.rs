//! The folder an editor has open, and what is wrong in it.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use edk_extension::check::{Checker, Options, Tree, rules};
use edk_model::{Finding, Monitor, Severity};
use lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, Diagnostic,
    DiagnosticSeverity, Hover, HoverContents, HoverParams, InitializeParams, MarkupContent,
    MarkupKind, NumberOrString, PublishDiagnosticsParams, Range, TextEdit, Uri, WorkspaceEdit,
};

use crate::place;

#[derive(Default)]
pub(crate) struct Workspace {
    root: Option<PathBuf>,
    checker: Checker,
    tree: Tree,
    /// What the editor has open, by path.
    open: BTreeMap<PathBuf, String>,
    findings: Vec<Finding>,
    /// What was told of each file.
    told: BTreeMap<String, Vec<Diagnostic>>,
}

impl Workspace {
    /// Returns the workspace an editor names when it starts.
    pub(crate) fn new(params: &InitializeParams) -> Self {
        let folder = params.workspace_folders.iter().flatten().next().map(|it| &it.uri);
        #[allow(deprecated, reason = "older editors name nothing else")]
        let folder = folder.or(params.root_uri.as_ref());
        let root = folder.and_then(place::path).and_then(|it| it.canonicalize().ok());
        Self { root, ..Self::default() }
    }

    /// Takes the text of a file that is open; returns whether it is one of the workspace.
    pub(crate) fn open(&mut self, uri: &Uri, text: String) -> bool {
        let Some(path) = place::path(uri) else { return false };
        // Without a folder, that of the first file is the workspace.
        if self.root.is_none() {
            self.root = path.parent().and_then(|it| it.canonicalize().ok());
        }
        self.open.insert(path, text);
        true
    }

    /// Takes that a file is not open any more.
    pub(crate) fn close(&mut self, uri: &Uri) -> bool {
        place::path(uri).is_some_and(|path| self.open.remove(&path).is_some())
    }

    /// Checks everything again; returns the files of which something else is to be told.
    pub(crate) fn check(&mut self) -> Vec<PublishDiagnosticsParams> {
        let Some(root) = self.root.clone() else { return Vec::new() };
        // A folder that can't be read for a moment is told as it was.
        let Ok(mut tree) = Tree::open(&root, Some(&self.tree)) else { return Vec::new() };
        for (path, text) in &self.open {
            let real = path.canonicalize().unwrap_or_else(|_| path.clone());
            if let Some(below) = real.strip_prefix(&root).ok().and_then(Path::to_str)
                && tree.text(below) != Some(text)
                && !below.is_empty()
            {
                tree = tree.with(below, text.as_bytes());
            }
        }
        let checked = self.checker.check(&tree, &Options::default(), &Monitor::silent());
        let Ok(report) = checked else { return Vec::new() };
        self.findings = report.findings;
        self.tree = tree;
        let mut now: BTreeMap<String, Vec<Diagnostic>> = BTreeMap::new();
        for finding in &self.findings {
            let file = self.file_of(finding);
            let text = self.tree.text(&file).unwrap_or_default();
            let told = diagnostic(text, finding);
            now.entry(file).or_default().push(told);
        }
        let before = std::mem::take(&mut self.told);
        let mut told = Vec::new();
        for (file, diagnostics) in &now {
            if before.get(file) != Some(diagnostics) {
                told.extend(published(&root, file, diagnostics.clone()));
            }
        }
        let mended = before.keys().filter(|it| !now.contains_key(*it));
        told.extend(mended.filter_map(|file| published(&root, file, Vec::new())));
        self.told = now;
        told
    }

    /// The file at which a finding is shown: one about the whole project at its first chart.
    fn file_of(&self, finding: &Finding) -> String {
        let some = || {
            let chart = self.tree.files().find(|it| it.name() == "Chart.yaml");
            chart.or(self.tree.files().next()).map(|it| it.path.clone()).unwrap_or_default()
        };
        finding.file.clone().unwrap_or_else(some)
    }

    /// The findings at a place of a file.
    fn at(&self, uri: &Uri, range: Range) -> Vec<&Finding> {
        let (Some(root), Some(path)) = (&self.root, place::path(uri)) else { return Vec::new() };
        let real = path.canonicalize().unwrap_or(path);
        let Some(below) = real.strip_prefix(root).ok().and_then(Path::to_str) else {
            return Vec::new();
        };
        let text = self.tree.text(below).unwrap_or_default();
        let here = self.findings.iter().filter(|it| self.file_of(it) == below);
        here.filter(|it| {
            let place = place::range(text, it);
            place.start <= range.end && range.start <= place.end
        })
        .collect()
    }

    /// Returns the changes that mend what is wrong at a place.
    pub(crate) fn actions(&self, params: &CodeActionParams) -> Vec<CodeActionOrCommand> {
        let found = self.at(&params.text_document.uri, params.range);
        let mendable = found.into_iter().filter(|it| !it.edits.is_empty());
        mendable.filter_map(|it| self.action(it)).map(CodeActionOrCommand::CodeAction).collect()
    }

    #[allow(clippy::mutable_key_type, reason = "the protocol's types have addresses as keys")]
    fn action(&self, finding: &Finding) -> Option<CodeAction> {
        let root = self.root.as_ref()?;
        let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
        for edit in &finding.edits {
            // A file that is not there can't be opened by every editor.
            let text = self.tree.text(&edit.file)?;
            let range = Range {
                start: place::position(text, edit.start),
                end: place::position(text, edit.end),
            };
            let change = TextEdit { range, new_text: edit.text.clone() };
            changes.entry(place::uri(&root.join(&edit.file))?).or_default().push(change);
        }
        let text = self.tree.text(finding.file.as_deref()?).unwrap_or_default();
        Some(CodeAction {
            title: format!("{}: {}", finding.rule, finding.fix.as_deref().unwrap_or("mend it")),
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: Some(vec![diagnostic(text, finding)]),
            edit: Some(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }),
            is_preferred: Some(true),
            ..CodeAction::default()
        })
    }

    /// Returns what the rule is about that is broken at a place.
    pub(crate) fn hover(&self, params: &HoverParams) -> Option<Hover> {
        let at = &params.text_document_position_params;
        let range = Range { start: at.position, end: at.position };
        let found = self.at(&at.text_document.uri, range);
        let words: Vec<String> = found.into_iter().map(explained).collect();
        let value = words.join("\n\n---\n\n");
        let contents = MarkupContent { kind: MarkupKind::Markdown, value };
        let some = !contents.value.is_empty();
        some.then_some(Hover { contents: HoverContents::Markup(contents), range: None })
    }
}

fn published(
    root: &Path,
    file: &str,
    diagnostics: Vec<Diagnostic>,
) -> Option<PublishDiagnosticsParams> {
    let uri = place::uri(&root.join(file))?;
    Some(PublishDiagnosticsParams { uri, diagnostics, version: None })
}

fn diagnostic(text: &str, finding: &Finding) -> Diagnostic {
    Diagnostic {
        range: place::range(text, finding),
        severity: Some(match finding.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
            Severity::Hint => DiagnosticSeverity::INFORMATION,
        }),
        code: Some(NumberOrString::String(finding.rule.clone())),
        source: Some("edk".to_owned()),
        message: finding.message.clone(),
        ..Diagnostic::default()
    }
}

fn explained(finding: &Finding) -> String {
    let title = rules::find(&finding.rule).map(|it| it.title).unwrap_or_default();
    let part = |word: &str, text: &Option<String>| {
        text.as_ref().map(|it| format!("\n\n{word}: {it}")).unwrap_or_default()
    };
    let (why, fix) = (part("Why", &finding.why), part("Do", &finding.fix));
    format!("**{}** {title}\n\n{}{why}{fix}", finding.rule, finding.message)
}
