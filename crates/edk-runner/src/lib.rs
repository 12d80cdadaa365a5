//! Run a processing container here on local data.
