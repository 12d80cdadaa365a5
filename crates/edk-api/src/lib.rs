//! The one door: commands, wire types, failure envelope.
