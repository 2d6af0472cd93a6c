//! Exit codes, and how an error is told: what we tried, then why, once, on one line.

use std::process::ExitCode;

use store::{ExportError, Failure, StoreError};

/// How a command that ran to its end came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    /// A check found something, or the rules refused something: what, was said.
    Found,
}

impl Outcome {
    pub(crate) fn found(is: bool) -> Self {
        if is { Self::Found } else { Self::Ok }
    }

    pub(crate) fn code(self) -> ExitCode {
        match self {
            Self::Ok => ExitCode::SUCCESS,
            Self::Found => ExitCode::from(1),
        }
    }
}

/// What the rules refused, in the shop's words.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// Says the error on stderr. The database failed: 3; what was asked for cannot be done: 2.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if is_broken_pipe(error) {
        return ExitCode::SUCCESS;
    }
    eprintln!("guerdon: {error:#}");
    let store = error.chain().any(|it| {
        it.is::<StoreError>()
            || matches!(it.downcast_ref(), Some(Failure::Store(_) | Failure::Internal))
            || matches!(it.downcast_ref(), Some(ExportError::Store(_)))
    });
    let refused = error
        .chain()
        .any(|it| it.is::<Refused>() || matches!(it.downcast_ref(), Some(Failure::Rejected(_) | Failure::KeyReused)));
    ExitCode::from(if store {
        3
    } else if refused {
        1
    } else {
        2
    })
}

/// Whoever read our output has seen enough, as with `| head`.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = |it: &(dyn std::error::Error + 'static)| match it.downcast_ref::<csv::Error>().map(csv::Error::kind) {
        Some(csv::ErrorKind::Io(error)) => Some(error.kind()),
        _ => it.downcast_ref::<std::io::Error>().map(std::io::Error::kind),
    };
    error.chain().any(|it| io(it) == Some(std::io::ErrorKind::BrokenPipe))
}
