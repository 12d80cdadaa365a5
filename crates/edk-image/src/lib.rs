//! Dockerfile -> plan -> layers -> manifest; bases; pull.
