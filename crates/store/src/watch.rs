//! A thread that looks now and then, until what it looks for is dropped.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::error::StoreError;

pub(crate) struct Watch {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Looks every so often, until `look` answers that there is nothing more to see. `path` is told if no thread can be had.
    pub(crate) fn start(
        name: &str,
        every: Duration,
        path: &Path,
        mut look: impl FnMut() -> bool + Send + 'static,
    ) -> Result<Self, StoreError> {
        let (stop, stopped) = channel::<()>();
        let watch = move || while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) && look() {};
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(watch);
        let thread = thread.map_err(|error| StoreError::io(path, &error))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It has told why, if it panicked.
            let _ = thread.join();
        }
    }
}
