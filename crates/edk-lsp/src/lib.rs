//! What an editor is told: the rules as a language server over any two streams.
//!
//! [`serve`] speaks the Language Server Protocol 3.17 with one editor: it checks the whole workspace,
//! with what the editor has not saved yet, and tells findings, changes that mend them, and what rules
//! are about. What the editor says is believed no more than a file: a message that makes no sense is
//! told and passed over, and none has more bytes than a file of a project needs.
//!
//! This room knows no rule and no project of its own, writes no file (the editor applies the changes),
//! and opens no stream: which two it serves is for the program to say.

mod conversation;
mod error;
mod place;
mod wire;
mod workspace;

use std::{
    io::{self, BufRead, Write},
    thread,
};

use lsp_server::{Connection, Message};

pub use error::LspError;
use wire::Incoming;

/// Serves an editor until it says goodbye or ends its stream.
///
/// # Errors
/// [`LspError::Conversation`] when the editor does not keep to the protocol, [`LspError::Io`] when a
/// stream breaks.
pub fn serve(
    mut input: impl BufRead + Send + 'static,
    mut output: impl Write + Send + 'static,
) -> Result<(), LspError> {
    let (ours, theirs) = Connection::memory();
    let Connection { sender: taken, receiver: told } = theirs;
    let odd = ours.sender.clone();
    let reader = thread::Builder::new().name("lsp-reader".to_owned());
    let reader = reader.spawn(move || {
        while let Some(incoming) = wire::read(&mut input)? {
            match incoming {
                Incoming::Odd(why) => drop(odd.send(wire::complaint(&why))),
                Incoming::Message(message) => {
                    let ends = matches!(&message, Message::Notification(it) if it.method == "exit");
                    if taken.send(message).is_err() || ends {
                        break;
                    }
                }
            }
        }
        Ok::<_, io::Error>(())
    })?;
    let writer = thread::Builder::new().name("lsp-writer".to_owned());
    let writer = writer.spawn(move || {
        // What can't be written any more is taken all the same: who tells it must not wait.
        let mut ended = Ok(());
        for message in told {
            if ended.is_ok() {
                ended = message.write(&mut output);
            }
        }
        ended
    })?;
    // Nobody waits for an editor that says nothing sensible: it may never end its stream.
    conversation::serve(&ours)?;
    drop(ours);
    for thread in [reader, writer] {
        thread.join().map_err(|_| LspError::conversation("a thread of it ended"))??;
    }
    Ok(())
}
