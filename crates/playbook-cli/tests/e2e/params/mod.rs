//! Params from files and from the command line.

mod files;
mod given;
mod settled;
