//! From a request's bytes to the file that answers it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::civil::DateTime;

use crate::answer::{Answered, answer_about};
use crate::bulk;
use crate::centre::Centre;
use crate::config::SimulatorOptions;
use crate::decode::{Question, read_question};
use crate::folder;
use crate::function::{Bulk, Function};
use crate::knobs::{Interfaces, Writing};
use crate::medical::{self, Kind};
use crate::pack;
use crate::registration;
use crate::run::SimulatorError;
use crate::tree::Node;

/// Since when each answer lies in `res/`.
#[derive(Default)]
pub(crate) struct Lying(Mutex<HashMap<PathBuf, DateTime>>);

impl Lying {
    fn laid(&self) -> MutexGuard<'_, HashMap<PathBuf, DateTime>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers whose time is over; each is told once.
    pub(crate) fn overdue(&self, options: &SimulatorOptions) -> Vec<PathBuf> {
        let minutes = i64::from(options.knobs.stay_minutes);
        let now = options.now();
        let is_over =
            |laid: &DateTime| minutes > 0 && now.duration_since(*laid).as_mins() >= minutes;
        let over = self
            .laid()
            .extract_if(|_, laid| is_over(laid))
            .collect::<Vec<_>>();
        over.into_iter().map(|(path, _)| path).collect()
    }
}

/// One answer on its way.
pub(crate) struct Answering {
    pub options: Arc<SimulatorOptions>,
    pub centre: Arc<Centre>,
    pub lying: Arc<Lying>,
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
        self.finish(function, extension, bytes).await
    }

    /// Packs what an encrypted interface packs, and lets it come to lie there.
    async fn finish(
        &self,
        function: Function,
        extension: &str,
        bytes: Vec<u8>,
    ) -> Result<(), SimulatorError> {
        let name = format!("{}.{extension}", self.base);
        let encrypted = self.options.knobs.interfaces == Interfaces::Encrypted;
        if !(encrypted && extension == "xml" && function.can_be_encrypted()) {
            return self.lay(&self.answers.join(name), &bytes).await;
        }
        let path = self.answers.join(format!("{}.zip", self.base));
        let packed = pack::encrypted(&bytes, &name).map_err(SimulatorError::folder(&path))?;
        self.lay(&path, &packed).await
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
        let as_it_is = self.options.knobs.interfaces == Interfaces::Plain;
        if self.options.knobs.writing == Writing::Atomic && as_it_is {
            self.note(&path);
            let moved = tokio::fs::rename(&beside, &path).await;
            return moved.map_err(SimulatorError::folder(&path));
        }
        let bytes = tokio::fs::read(&beside).await;
        let bytes = bytes.map_err(SimulatorError::folder(&beside))?;
        let removed = tokio::fs::remove_file(&beside).await;
        removed.map_err(SimulatorError::folder(&beside))?;
        self.finish(Function::Collect(kind), extension, bytes).await
    }

    /// Remembered only where it will be tidied away.
    fn note(&self, path: &Path) {
        if self.options.knobs.stay_minutes == 0 {
            return;
        }
        let now = self.options.now();
        self.lying.laid().insert(path.to_owned(), now);
    }

    async fn lay(&self, path: &Path, bytes: &[u8]) -> Result<(), SimulatorError> {
        self.note(path);
        let written = folder::write(path, bytes, self.options.knobs.writing).await;
        written.map_err(SimulatorError::folder(path))
    }
}
