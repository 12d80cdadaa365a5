//! Content-addressed blobs, tags and build steps on disk; verified, atomic.
