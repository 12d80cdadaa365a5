//! Temporary projects and fixtures for tests.
