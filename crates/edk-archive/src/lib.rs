//! The same tree gives the same tar.gz bytes; unpacking never leaves its root.
