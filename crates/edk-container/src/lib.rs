//! Run a process in a root file system made of layers, with or without root.
