//! Home of the workspace-wide tests; see the folders beside `src`.
