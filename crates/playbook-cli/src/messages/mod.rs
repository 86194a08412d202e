//! Every error in one place, as a person is told it.

mod all;
mod stages;
