//! How a stage runs: how often, with what, split into how many jobs.

use crate::finding::{Finding, Mark};
use crate::language::fanout::{PARALLEL, STRATEGY};
use crate::language::stage::{BACKOFF, RESOURCES, RETRY, RETRY_POLICY};
use crate::model::fanout::{Parallel, Strategy};
use crate::model::resources::Resources;
use crate::model::retry::{Backoff, Retry};
use crate::parse::fields::{At, Lowering};

impl Lowering {
    pub(super) fn retry(&mut self, value: &At<'_>) -> Option<Retry> {
        let fields = self.fields(value, "'retry'", &RETRY)?;
        let limit = fields.get("limit").and_then(|value| self.count(&value, 0));
        let policy = fields
            .get("policy")
            .and_then(|value| self.word(&value, &RETRY_POLICY));
        let backoff = fields
            .get("backoff")
            .map(|value| self.backoff(&value))
            .unwrap_or_default();
        if fields.lacks("limit") {
            self.error(fields.at(), "'retry' needs a 'limit'");
        }
        Some(Retry {
            limit: limit?,
            policy: policy.unwrap_or_default(),
            backoff,
        })
    }

    fn backoff(&mut self, value: &At<'_>) -> Backoff {
        let mut backoff = Backoff::default();
        let Some(fields) = self.fields(value, "'backoff'", &BACKOFF) else {
            return backoff;
        };
        if let Some(initial) = fields
            .get("initial")
            .and_then(|value| self.duration(&value))
        {
            backoff.initial = initial;
        }
        if let Some(factor) = fields
            .get("factor")
            .and_then(|value| self.number(&value, 1.0))
        {
            backoff.factor = factor;
        }
        if let Some(max) = fields.get("max").and_then(|value| self.duration(&value)) {
            backoff.max = max;
        }
        if let Some(value) = fields.get("initial")
            && backoff.initial > backoff.max
        {
            let (message, hint) = if fields.get("max").is_some() {
                (
                    "'initial' is longer than 'max', which no wait is longer than",
                    "make 'initial' shorter, or 'max' longer",
                )
            } else {
                (
                    "'initial' is longer than 'max', which is 5m where it is not written",
                    "write a 'max' beside it, or make 'initial' shorter",
                )
            };
            self.error(&value.path, message);
            self.advise(hint);
        }
        backoff
    }

    pub(super) fn resources(&mut self, value: &At<'_>) -> Resources {
        let Some(fields) = self.fields(value, "'resources'", &RESOURCES) else {
            return Resources::default();
        };
        Resources {
            cores: fields.get("cores").and_then(|value| self.count(&value, 1)),
            memory: fields
                .get("memory_gb")
                .and_then(|value| self.gigabytes(&value)),
            gpu: fields.get("gpu").and_then(|value| self.count(&value, 0)),
            disk: fields
                .get("disk_gb")
                .and_then(|value| self.gigabytes(&value)),
            timeout: fields.get("timeout").and_then(|value| self.timeout(&value)),
        }
    }

    fn timeout(&mut self, value: &At<'_>) -> Option<std::time::Duration> {
        let timeout = self.duration(value)?;
        if timeout.is_zero() {
            self.error(&value.path, "a timeout must be longer than nothing");
            return None;
        }
        Some(timeout)
    }

    pub(super) fn parallel(&mut self, value: &At<'_>) -> Option<Parallel> {
        let fields = self.fields(value, "'parallel'", &PARALLEL)?;
        let chunk_size = fields
            .get("chunk_size")
            .and_then(|value| self.count(&value, 1));
        let chunked = if let Some(value) = fields.get("strategy") {
            self.word(&value, &STRATEGY)?
        } else {
            if fields.lacks("strategy") {
                self.error(
                    fields.at(),
                    "'parallel' needs a 'strategy': per_file or chunked",
                );
            }
            return None;
        };
        if chunked && fields.lacks("chunk_size") {
            self.error(fields.at(), "the strategy 'chunked' needs a 'chunk_size'");
        }
        if let (false, Some(value)) = (chunked, fields.get("chunk_size")) {
            self.found.push(
                Finding::error(value.path, "'chunk_size' belongs to the strategy 'chunked'")
                    .mark(Mark::Key),
            );
        }
        Some(Parallel {
            strategy: if chunked {
                Strategy::Chunked {
                    // A mistake in it is found, and is no reason to find others.
                    chunk_size: chunk_size.unwrap_or(1),
                }
            } else {
                Strategy::PerFile
            },
            glob: fields.get("glob").and_then(|value| self.glob(&value)),
            max_workers: fields
                .get("max_workers")
                .and_then(|value| self.count(&value, 1)),
            ext: fields
                .get("ext")
                .and_then(|value| self.text(&value))
                .map(str::to_owned),
        })
    }

    fn glob(&mut self, value: &At<'_>) -> Option<String> {
        let text = self.text(value)?;
        if text.contains("{{") {
            self.error(&value.path, "templates are not supported in a glob");
            self.advise(
                "write the pattern out; braces around words are alternatives: '*.{wav,mp3}'",
            );
            return None;
        }
        match globset::GlobBuilder::new(text)
            .literal_separator(true)
            .build()
        {
            Ok(_) => Some(text.to_owned()),
            Err(error) => {
                self.error(
                    &value.path,
                    format!("'{text}' is not a glob: {}", error.kind()),
                );
                None
            }
        }
    }
}
