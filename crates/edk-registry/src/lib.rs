//! The OCI distribution API as an HTTP handler over edk-store.
