//! The items that a stage with `matrix` or `foreach` is written once for.
//!
//! They are called what DVC calls them: an item of a list of plain values is its value, of any other list its place from
//! 0, of a map its key; of a matrix the values joined with `-`, where one that is no plain value is its axis and its place.

use indexmap::IndexMap;

use crate::expand::MOST;
use crate::finding::{Finding, KeyPath, Mark};
use crate::model::params::Params;
use crate::model::spread::{Grid, Item, Spread, Values};
use crate::name::ParamKey;
use crate::suggest::nearest;
use crate::value::ParamValue;

/// The items of a spread; `at` is where its stage stands. Params that were looked at are noted.
pub(super) fn items(
    spread: &Spread,
    params: &Params,
    at: &KeyPath,
    used: &mut Vec<ParamKey>,
) -> Result<Vec<Item>, Box<Finding>> {
    let mut reading = Reading { params, used };
    match spread {
        Spread::Foreach(values) => {
            let at = at.key("foreach");
            let value = reading.value(values, &at)?;
            match value {
                ParamValue::List(list) => Ok(of_list(list)),
                ParamValue::Map(map) => Ok(of_map(map)),
                other => Err(wrong(
                    &at,
                    format!(
                        "'foreach' goes over a list or a map, and this is {}",
                        other.kind()
                    ),
                )),
            }
        }
        Spread::Matrix(grid) => {
            let at = at.key("matrix");
            let axes = reading.axes(grid, &at)?;
            combinations(&axes, &at)
        }
    }
}

fn wrong(at: &KeyPath, message: String) -> Box<Finding> {
    Box::new(Finding::error(at.clone(), message))
}

struct Reading<'a> {
    params: &'a Params,
    used: &'a mut Vec<ParamKey>,
}

impl<'a> Reading<'a> {
    fn value<'v>(
        &mut self,
        values: &'v Values,
        at: &KeyPath,
    ) -> Result<&'v ParamValue, Box<Finding>>
    where
        'a: 'v,
    {
        match values {
            Values::Written(value) => Ok(value),
            Values::Param(key) => self.param(key, at),
        }
    }

    fn param(&mut self, key: &ParamKey, at: &KeyPath) -> Result<&'a ParamValue, Box<Finding>> {
        self.used.push(key.clone());
        self.params.get(key).ok_or_else(|| {
            let keys = self.params.keys();
            let suggestion = nearest(key.as_str(), keys.iter().map(String::as_str));
            let finding = Finding::error(at.clone(), format!("there is no param '{key}'"));
            Box::new(finding.did_you_mean(suggestion))
        })
    }

    /// The axes with their values.
    fn axes<'v>(
        &mut self,
        grid: &'v Grid,
        at: &KeyPath,
    ) -> Result<Vec<(&'v str, &'v [ParamValue])>, Box<Finding>>
    where
        'a: 'v,
    {
        let list = |name: &str, value: &'v ParamValue, at: KeyPath| match value {
            ParamValue::List(list) => Ok(list.as_slice()),
            other => Err(wrong(
                &at,
                format!(
                    "the axis '{name}' of a matrix is a list, and this is {}",
                    other.kind()
                ),
            )),
        };
        match grid {
            Grid::Axes(axes) => axes
                .iter()
                .map(|(name, values)| {
                    let at = at.key(name);
                    let value = self.value(values, &at)?;
                    Ok((name.as_str(), list(name, value, at)?))
                })
                .collect(),
            Grid::Param(key) => match self.param(key, at)? {
                ParamValue::Map(axes) => axes
                    .iter()
                    .map(|(name, value)| Ok((name.as_str(), list(name, value, at.clone())?)))
                    .collect(),
                other => Err(wrong(
                    at,
                    format!("'matrix' is a map of lists, and this is {}", other.kind()),
                )),
            },
        }
    }
}

fn of_list(list: &[ParamValue]) -> Vec<Item> {
    let composite = list.iter().any(is_composite);
    let item = |(n, value): (usize, &ParamValue)| Item {
        key: if composite {
            n.to_string()
        } else {
            word(value)
        },
        value: value.clone(),
    };
    list.iter().enumerate().map(item).collect()
}

fn of_map(map: &IndexMap<String, ParamValue>) -> Vec<Item> {
    let item = |(key, value): (&String, &ParamValue)| Item {
        key: key.clone(),
        value: value.clone(),
    };
    map.iter().map(item).collect()
}

/// Every combination; the last axis goes round first.
fn combinations(axes: &[(&str, &[ParamValue])], at: &KeyPath) -> Result<Vec<Item>, Box<Finding>> {
    let total = axes.iter().try_fold(1_usize, |total, (_, values)| {
        total.checked_mul(values.len())
    });
    let total = total.filter(|total| *total <= MOST).ok_or_else(|| {
        Finding::error(
            at.clone(),
            format!("this matrix has more than {MOST} combinations"),
        )
        .mark(Mark::Key)
    })?;
    if axes.is_empty() {
        return Ok(Vec::new());
    }
    let mut items = Vec::with_capacity(total);
    for n in 0..total {
        let mut rest = n;
        let mut chosen: Vec<(&str, usize, &ParamValue)> = Vec::with_capacity(axes.len());
        for (name, values) in axes.iter().rev() {
            let index = rest % values.len();
            rest /= values.len();
            chosen.push((name, index, &values[index]));
        }
        chosen.reverse();
        let words = chosen.iter().map(|(name, index, value)| {
            if is_composite(value) {
                format!("{name}{index}")
            } else {
                word(value)
            }
        });
        items.push(Item {
            key: words.collect::<Vec<_>>().join("-"),
            value: ParamValue::Map(
                chosen
                    .iter()
                    .map(|(name, _, value)| ((*name).to_owned(), (*value).clone()))
                    .collect(),
            ),
        });
    }
    Ok(items)
}

fn is_composite(value: &ParamValue) -> bool {
    matches!(value, ParamValue::List(_) | ParamValue::Map(_))
}

fn word(value: &ParamValue) -> String {
    value.scalar_text().unwrap_or_else(|| "null".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(spread: &Spread) -> Vec<String> {
        let params: Params =
            serde_yaml_ng::from_str("{regions: [us, uk], grid: {a: [1], b: [x, y]}}").unwrap();
        let items = items(spread, &params, &KeyPath::TOP, &mut Vec::new()).unwrap();
        items.into_iter().map(|item| item.key).collect()
    }

    fn written(yaml: &str) -> Values {
        Values::Written(serde_yaml_ng::from_str(yaml).unwrap())
    }

    fn foreach(yaml: &str) -> Vec<String> {
        keys(&Spread::Foreach(written(yaml)))
    }

    fn matrix(axes: &[(&str, &str)]) -> Vec<String> {
        let axes = axes
            .iter()
            .map(|(name, yaml)| ((*name).to_owned(), written(yaml)));
        keys(&Spread::Matrix(Grid::Axes(axes.collect())))
    }

    #[test]
    fn keys_are_those_of_dvc() {
        assert_eq!(foreach("[us, uk]"), ["us", "uk"]);
        assert_eq!(foreach("[1, 1.5, true]"), ["1", "1.5", "true"]);
        assert_eq!(foreach("[{x: 1}, {x: 2}]"), ["0", "1"]);
        assert_eq!(foreach("[a, [b]]"), ["0", "1"]);
        assert_eq!(foreach("{us: {x: 1}, uk: 2}"), ["us", "uk"]);
        assert_eq!(
            matrix(&[("model", "[a, b]"), ("seed", "[1, 2]")]),
            ["a-1", "a-2", "b-1", "b-2"]
        );
        assert_eq!(
            matrix(&[("model", "[{x: 1}, cnn]"), ("seed", "[1]")]),
            ["model0-1", "cnn-1"]
        );
        assert!(foreach("[]").is_empty() && matrix(&[("a", "[1]"), ("b", "[]")]).is_empty());
    }

    #[test]
    fn values_come_from_params() {
        let key = |text: &str| ParamKey::parse(text).unwrap();
        assert_eq!(
            keys(&Spread::Foreach(Values::Param(key("regions")))),
            ["us", "uk"]
        );
        assert_eq!(
            keys(&Spread::Matrix(Grid::Param(key("grid")))),
            ["1-x", "1-y"]
        );
        let axes = [("r".to_owned(), Values::Param(key("regions")))];
        assert_eq!(
            keys(&Spread::Matrix(Grid::Axes(axes.into_iter().collect()))),
            ["us", "uk"]
        );
    }

    #[test]
    fn so_many_combinations_are_refused() {
        let many = ParamValue::List(vec![ParamValue::Int(1); 2000]);
        let axes = ["a", "b", "c", "d", "e", "f", "g"]
            .map(|name| (name.to_owned(), Values::Written(many.clone())));
        let grid = Spread::Matrix(Grid::Axes(axes.into_iter().collect()));
        let error = items(&grid, &Params::default(), &KeyPath::TOP, &mut Vec::new()).unwrap_err();
        assert!(error.message.contains("combinations"), "{}", error.message);
    }
}
