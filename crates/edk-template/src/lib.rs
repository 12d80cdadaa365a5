//! Template + answers -> list of files; then writing them.
