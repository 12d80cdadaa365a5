//! Questions, where there is somebody to answer them.

use std::{collections::BTreeMap, io::IsTerminal as _};

use dialoguer::{Confirm, Input, MultiSelect, Password, Select};
use edk_api::{
    Command, Engine, Failure, ImageCommand, ImageSendRequest, Parameter, Preset, Response,
    TroubleKind, Type,
};
use edk_model::{Code, Explain as _, Secret};

use crate::args::{Args, OutputFormat};

/// Says whether somebody can be asked.
pub(crate) fn is_possible(args: &Args) -> bool {
    args.output == OutputFormat::Text
        && std::io::stdin().is_terminal()
        && std::io::stderr().is_terminal()
}

/// Asks for every answer of a template that is not in `answers`.
pub(crate) fn answers(
    engine: &Engine,
    template: &str,
    answers: &mut BTreeMap<String, String>,
) -> Result<(), Failure> {
    let templates = engine.templates().map_err(|error| Failure {
        hints: error.hints(),
        ..Failure::new(error.code(), error.to_string())
    })?;
    // An unknown template is told by the command itself, with the nearest name.
    let Some(template) = templates.iter().find(|known| known.name == template) else {
        return Ok(());
    };
    for parameter in &template.parameters {
        if !answers.contains_key(&parameter.id)
            && let Some(answer) = one(parameter, answers).map_err(|error| unanswered(&error))?
        {
            answers.insert(parameter.id.clone(), answer);
        }
    }
    Ok(())
}

fn unanswered(error: &dialoguer::Error) -> Failure {
    Failure::new(Code::Cancelled, "the questions were not answered")
        .because(error)
        .hint("answer on the command line: `--set KEY=VALUE`, and `--yes` for the defaults")
}

fn one(
    parameter: &Parameter,
    given: &BTreeMap<String, String>,
) -> Result<Option<String>, dialoguer::Error> {
    let prompt = parameter.label.clone();
    eprintln!("{}", parameter.help);
    match (parameter.kind, &parameter.default) {
        (Type::Bool, default) => {
            let default = matches!(default, Some(Preset::Bool(true)));
            let answer = Confirm::new().with_prompt(prompt).default(default).interact()?;
            Ok(Some(answer.to_string()))
        }
        (Type::Choice, default) => {
            let at =
                parameter.choices.iter().position(|choice| is_preset(default.as_ref(), choice));
            let select = Select::new().with_prompt(prompt).items(&parameter.choices);
            let chosen = select.default(at.unwrap_or(0)).interact()?;
            Ok(parameter.choices.get(chosen).cloned())
        }
        (Type::MultiChoice, default) => {
            let on: Vec<bool> = parameter
                .choices
                .iter()
                .map(|choice| is_preset(default.as_ref(), choice))
                .collect();
            let select = MultiSelect::new().with_prompt(prompt).items(&parameter.choices);
            let chosen = select.defaults(&on).interact()?;
            let chosen = chosen.into_iter().filter_map(|at| parameter.choices.get(at).cloned());
            Ok(Some(chosen.collect::<Vec<_>>().join(",")))
        }
        (Type::String, Some(Preset::Text(default))) if !default.contains("{{") => {
            let default = default.clone();
            Input::<String>::new().with_prompt(prompt).default(default).interact_text().map(Some)
        }
        (Type::String, Some(Preset::Text(default))) => {
            // The default is made of earlier answers: an empty answer takes it.
            let shown = given.iter().fold(default.clone(), |text, (id, answer)| {
                text.replace(&format!("{{{{ {id} }}}}"), answer)
            });
            let prompt = format!("{prompt} [{shown}]");
            let answer =
                Input::<String>::new().with_prompt(prompt).allow_empty(true).interact_text()?;
            Ok((!answer.is_empty()).then_some(answer))
        }
        (Type::String, _) => Input::<String>::new().with_prompt(prompt).interact_text().map(Some),
    }
}

fn is_preset(default: Option<&Preset>, choice: &str) -> bool {
    match default {
        Some(Preset::Text(text)) => text == choice,
        Some(Preset::List(list)) => list.iter().any(|item| item == choice),
        _ => false,
    }
}

/// Asks for a line.
pub(crate) fn line(words: &str) -> Result<String, Failure> {
    Input::<String>::new().with_prompt(words).interact_text().map_err(|error| unheard(&error))
}

/// Asks for a secret, which is not shown.
pub(crate) fn secret(words: &str) -> Result<Secret, Failure> {
    let asked = Password::new().with_prompt(words).allow_empty_password(true).interact();
    asked.map(Secret::new).map_err(|error| unheard(&error))
}

fn unheard(error: &dialoguer::Error) -> Failure {
    Failure::new(Code::Cancelled, "the question was not answered").because(error)
}

/// Asks whether files in the way may be replaced; no where nobody can be asked.
pub(crate) fn may_overwrite(args: &Args, command: &Command, failure: &Failure) -> bool {
    let Command::New(request) = command else { return false };
    if failure.code != Code::Conflict || request.overwrite || !is_possible(args) {
        return false;
    }
    crate::report::failure(failure);
    let question = Confirm::new().with_prompt("Replace these files?").default(false);
    question.interact().unwrap_or(false)
}

/// Asks whether images are sent of which the failure says that the target never got them; no where
/// nobody can be asked.
pub(crate) fn may_send(args: &Args, command: &Command, failure: &Failure) -> bool {
    let sends = match command {
        Command::Deploy(request) => request.send_missing,
        Command::Install(request) => request.send_missing,
        _ => return false,
    };
    let never_sent = TroubleKind::ImageNeverSent.is_told_in(failure);
    if sends || !never_sent || !is_possible(args) {
        return false;
    }
    crate::report::failure(failure);
    let question = Confirm::new().with_prompt("Send it, and do it again?").default(true);
    question.interact().unwrap_or(false)
}

/// Returns the command that sends what a status says is missing, if whoever is asked wants it.
pub(crate) fn offered(args: &Args, response: &Response) -> Option<Command> {
    let Response::Status(status) = response else { return None };
    let verdicts = status.extensions.iter().filter_map(|row| row.verdict.as_ref());
    let images: Vec<_> =
        verdicts.flat_map(|it| &it.images).filter_map(|it| it.parse().ok()).collect();
    if images.is_empty() || !is_possible(args) {
        return None;
    }
    eprintln!("{}", edk_api::text(response));
    let question = Confirm::new().with_prompt("Send it now?").default(true);
    let (target, full) = (status.target.clone(), false);
    let send = ImageCommand::Send(ImageSendRequest { images, target, full });
    question.interact().unwrap_or(false).then(|| Command::Image(Box::new(send)))
}

/// Lets a command send images which the target never got.
pub(crate) fn set_send(command: &mut Command) {
    match command {
        Command::Deploy(request) => request.send_missing = true,
        Command::Install(request) => request.send_missing = true,
        _ => {}
    }
}

/// Lets a command replace files.
pub(crate) fn set_overwrite(command: &mut Command) {
    if let Command::New(request) = command {
        request.overwrite = true;
    }
}

/// Asks whether the sandbox may be emptied; no where nobody can be asked.
pub(crate) fn may_reset(args: &Args) -> bool {
    if !is_possible(args) {
        return false;
    }
    let what = "Remove all charts, releases, volumes and DAGs of the sandbox?";
    Confirm::new().with_prompt(what).default(false).interact().unwrap_or(false)
}
