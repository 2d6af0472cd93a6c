//! Pages: each template with made-up content, the chart, the vendored files, and the pages of a running server.

mod chart;
mod forms;
mod markup;
mod rendered;
mod samples;
mod shown;
mod vendored;
mod visitor;
