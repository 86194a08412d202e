//! One stage as it is written, many stages: `matrix`, `foreach` and wildcards; and which of them one is.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::model::stage::Stage;
use crate::name::{ParamKey, StageName};
use crate::value::ParamValue;

/// What a stage is written once for, and stands there many times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Spread {
    /// Every combination of the values of some axes.
    Matrix(Grid),
    /// Each item of a list, or each entry of a map.
    Foreach(Values),
}

/// The axes of a matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Grid {
    /// By name, in the order they were written.
    Axes(IndexMap<String, Values>),
    /// A param that is a map of lists.
    Param(ParamKey),
}

/// Where values come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Values {
    /// They stand in the stage.
    Written(ParamValue),
    /// They are a param.
    Param(ParamKey),
}

/// What a stage was made of, where it is not simply what is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MadeOf {
    /// The stage as written: `transcribe_{sample}`, or `train` for `train@a-1`.
    pub written: StageName,
    /// What its wildcards stand for.
    pub wildcards: IndexMap<String, String>,
    /// Which of the stages of a `matrix` or `foreach` it is.
    pub item: Option<Item>,
    /// By dep, which of the written deps it comes from. Empty if they are the same.
    pub deps: Vec<usize>,
    /// By stage in `after`, which of the written ones it comes from. Empty if they are the same.
    pub after: Vec<usize>,
}

/// One of the items that a stage is written once for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// What stands behind the `@` of the stage's name, not yet fit for one.
    pub key: String,
    /// `item`: for a matrix a map from axes to values.
    pub value: ParamValue,
}

/// What became of a playbook as written.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Expanded {
    /// Params that said which stages there are.
    pub params: Vec<ParamKey>,
    /// Stages, as written, of which there is none.
    pub without_stages: Vec<StageName>,
    /// Those stages, as far as they can be checked all the same. They are gone once that was done.
    #[serde(skip)]
    pub absent: Vec<Stage>,
}

impl Expanded {
    /// Whether there is nothing to tell.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
