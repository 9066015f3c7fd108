//! From a request's bytes to the file that answers it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::answer::{Answered, answer_about};
use crate::bulk;
use crate::centre::Centre;
use crate::config::SimulatorOptions;
use crate::decode::{Question, read_question};
use crate::folder;
use crate::function::{Bulk, Function};
use crate::knobs::Writing;
use crate::medical::{self, Kind};
use crate::registration;
use crate::run::SimulatorError;
use crate::tree::Node;

/// One answer on its way.
pub(crate) struct Answering {
    pub options: Arc<SimulatorOptions>,
    pub centre: Arc<Centre>,
    /// `res/`.
    pub answers: PathBuf,
    /// The answer's name without extension.
    pub base: String,
}

impl Answering {
    /// Lets the answer come to lie in `res/`; nothing answers what can't be read at all.
    pub(crate) async fn give(
        self,
        function: Function,
        request: &[u8],
    ) -> Result<(), SimulatorError> {
        let node = match Node::read(request) {
            Ok(node) => node,
            Err(error) => {
                tracing::warn!(%error, "a request stays without answer");
                return Ok(());
            }
        };
        if let Function::Collect(kind) = function {
            return self.result(kind, node).await;
        }
        let place = self.options.place(self.options.now());
        let (bytes, extension) = match function {
            Function::Inquiry => match read_question(request) {
                Ok(question) => (self.inquiry(&question), "xml"),
                Err(_) => return Ok(()),
            },
            Function::Registration => (registration::answer(&node, &self.centre, &place), "xml"),
            Function::Drugs => medical::answer(Kind::Drugs, &node, &self.centre, &place),
            Function::Checkups => medical::answer(Kind::Checkups, &node, &self.centre, &place),
            Function::Submit(kind) => (bulk::submit(kind, &node, &self.centre, &place), "xml"),
            Function::Collect(_) => return Ok(()),
        };
        let path = self.answers.join(format!("{}.{extension}", self.base));
        self.lay(&path, &bytes).await
    }

    fn inquiry(&self, question: &Question) -> Vec<u8> {
        let at = self.options.now();
        let place = self.options.place(at);
        let answered = Answered {
            confirmed_on: question.confirmed_on.unwrap_or_else(|| at.date()),
            at,
            institution: self.options.scenario.institution.clone(),
        };
        let person = self.centre.asked(question, &place);
        answer_about(person.as_ref(), question, &answered, &self.options.knobs)
    }

    /// Results may be large: they are written to a file beside, on a thread that may wait.
    async fn result(self, kind: Bulk, request: Node) -> Result<(), SimulatorError> {
        let beside = self.answers.join(format!("{}.writing", self.base));
        let (options, centre) = (Arc::clone(&self.options), Arc::clone(&self.centre));
        let (file, entry) = (beside.clone(), self.base.clone());
        let written = tokio::task::spawn_blocking(move || {
            let place = options.place(options.now());
            bulk::collect(kind, &request, &centre, &place, &file, &entry)
        });
        let extension = written.await?.map_err(SimulatorError::folder(&beside))?;
        let path = self.answers.join(format!("{}.{extension}", self.base));
        if self.options.knobs.writing == Writing::Atomic {
            let moved = tokio::fs::rename(&beside, &path).await;
            return moved.map_err(SimulatorError::folder(&path));
        }
        let bytes = tokio::fs::read(&beside).await;
        let bytes = bytes.map_err(SimulatorError::folder(&beside))?;
        let removed = tokio::fs::remove_file(&beside).await;
        removed.map_err(SimulatorError::folder(&beside))?;
        self.lay(&path, &bytes).await
    }

    async fn lay(&self, path: &Path, bytes: &[u8]) -> Result<(), SimulatorError> {
        let written = folder::write(path, bytes, self.options.knobs.writing).await;
        written.map_err(SimulatorError::folder(path))
    }
}
