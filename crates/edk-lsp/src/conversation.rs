//! What is answered to which message.

use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types::{
    CodeActionParams, CodeActionProviderCapability, DidChangeTextDocumentParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams, HoverParams,
    HoverProviderCapability, InitializeParams, SaveOptions, ServerCapabilities,
    TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions,
    TextDocumentSyncSaveOptions,
    notification::{
        DidChangeTextDocument, DidChangeWatchedFiles, DidCloseTextDocument, DidOpenTextDocument,
        DidSaveTextDocument, Notification as _, PublishDiagnostics,
    },
    request::{CodeActionRequest, HoverRequest, Request as _},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{LspError, workspace::Workspace};

fn capabilities() -> ServerCapabilities {
    let save = TextDocumentSyncSaveOptions::SaveOptions(SaveOptions { include_text: Some(false) });
    let sync = TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::FULL),
        save: Some(save),
        ..TextDocumentSyncOptions::default()
    };
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Options(sync)),
        code_action_provider: Some(CodeActionProviderCapability::Simple(true)),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        ..ServerCapabilities::default()
    }
}

/// Serves an editor until it says goodbye.
///
/// # Errors
/// [`LspError::Conversation`].
pub(crate) fn serve(connection: &Connection) -> Result<(), LspError> {
    let (id, params) = connection.initialize_start().map_err(LspError::conversation)?;
    let params: InitializeParams = match serde_json::from_value(params) {
        Ok(params) => params,
        Err(error) => {
            send(connection, refused(id, &error).into())?;
            return Err(LspError::conversation(error));
        }
    };
    let info = serde_json::json!({"name": "edk", "version": env!("CARGO_PKG_VERSION")});
    let answer = serde_json::json!({"capabilities": capabilities(), "serverInfo": info});
    connection.initialize_finish(id, answer).map_err(LspError::conversation)?;
    let mut workspace = Workspace::new(&params);
    publish(connection, &mut workspace)?;
    let mut changed = false;
    loop {
        // All that waits is taken before the next check: an editor types faster than it reads.
        let message = match changed {
            true => match connection.receiver.try_recv() {
                Ok(message) => message,
                Err(_) => {
                    publish(connection, &mut workspace)?;
                    changed = false;
                    continue;
                }
            },
            false => match connection.receiver.recv() {
                Ok(message) => message,
                Err(_) => return Ok(()),
            },
        };
        match message {
            Message::Request(request) => {
                if connection.handle_shutdown(&request).map_err(LspError::conversation)? {
                    return Ok(());
                }
                if changed {
                    publish(connection, &mut workspace)?;
                    changed = false;
                }
                send(connection, answered(&workspace, request).into())?;
            }
            Message::Notification(notification) => changed |= told(&mut workspace, notification),
            Message::Response(_) => {}
        }
    }
}

/// Checks, and tells the editor what is different now.
fn publish(connection: &Connection, workspace: &mut Workspace) -> Result<(), LspError> {
    for params in workspace.check() {
        let notification = Notification::new(PublishDiagnostics::METHOD.to_owned(), params);
        send(connection, notification.into())?;
    }
    Ok(())
}

fn send(connection: &Connection, message: Message) -> Result<(), LspError> {
    connection.sender.send(message).map_err(|_| LspError::conversation("nobody listens"))
}

/// Takes what the editor tells; says whether something has to be checked again.
fn told(workspace: &mut Workspace, notification: Notification) -> bool {
    match notification.method.as_str() {
        DidOpenTextDocument::METHOD => {
            let Some(it) = params::<DidOpenTextDocumentParams>(notification) else { return false };
            workspace.open(&it.text_document.uri, it.text_document.text)
        }
        DidChangeTextDocument::METHOD => {
            let params = params::<DidChangeTextDocumentParams>(notification);
            let Some(mut it) = params else { return false };
            let Some(last) = it.content_changes.pop() else { return false };
            workspace.open(&it.text_document.uri, last.text)
        }
        DidCloseTextDocument::METHOD => {
            let Some(it) = params::<DidCloseTextDocumentParams>(notification) else { return false };
            workspace.close(&it.text_document.uri)
        }
        DidSaveTextDocument::METHOD => params::<DidSaveTextDocumentParams>(notification).is_some(),
        DidChangeWatchedFiles::METHOD => true,
        _ => false,
    }
}

fn params<T: DeserializeOwned>(notification: Notification) -> Option<T> {
    serde_json::from_value(notification.params).ok()
}

fn answered(workspace: &Workspace, request: Request) -> Response {
    let Request { id, method, params } = request;
    match method.as_str() {
        CodeActionRequest::METHOD => {
            answer(id, params, |it: &CodeActionParams| workspace.actions(it))
        }
        HoverRequest::METHOD => answer(id, params, |it: &HoverParams| workspace.hover(it)),
        _ => {
            let message = format!("`{method}` is not answered");
            Response::new_err(id, ErrorCode::MethodNotFound as i32, message)
        }
    }
}

fn answer<P: DeserializeOwned, R: Serialize>(
    id: RequestId,
    params: serde_json::Value,
    work: impl Fn(&P) -> R,
) -> Response {
    match serde_json::from_value(params) {
        Ok(params) => Response::new_ok(id, work(&params)),
        Err(error) => refused(id, &error),
    }
}

fn refused(id: RequestId, error: &serde_json::Error) -> Response {
    Response::new_err(id, ErrorCode::InvalidParams as i32, error.to_string())
}
