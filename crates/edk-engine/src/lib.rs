//! The only place where rooms meet: projects, jobs, events.
