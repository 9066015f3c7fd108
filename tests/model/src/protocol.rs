//! What the five models have in common.

use std::fmt::Debug;
use std::hash::Hash;

use stateright::Model;

/// A protocol with the steps that protect it.
pub trait Protocol: Model<State: Clone + Debug + Eq + Hash, Action: Clone + Debug> + Clone {
    /// A step of the code without which the protocol would be wrong.
    type Guard: Copy + Debug + Eq + 'static;

    /// Every protecting step, and what the checker must refute when it is left out.
    const GUARDS: &'static [(Self::Guard, Refuted)];

    /// Every action, and where the code does it or what the world does.
    const STEPS: &'static [Step];

    /// The same protocol without one protecting step.
    #[must_use]
    fn without(self, guard: Self::Guard) -> Self;

    /// Whether the world does it out of malice. Recovery is asked for without any more of these.
    fn is_fault(action: &Self::Action) -> bool;

    /// Whether everything that was promised has happened.
    fn is_settled(&self, state: &Self::State) -> bool;
}

/// How a model without one of its guards fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refuted {
    /// The property of this name does not hold.
    Property(&'static str),
    /// From some state no way leads to the end that was promised, although nothing more goes wrong.
    Recovery,
}

/// Where an action of a model comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A function of the code.
    Code {
        /// The action's name.
        action: &'static str,
        /// Path below the workspace.
        path: &'static str,
        /// The function in it.
        function: &'static str,
    },
    /// What a disk, a line, a server, a person or another program does.
    World {
        /// The action's name.
        action: &'static str,
        /// What it stands for.
        means: &'static str,
    },
}

impl Step {
    /// The action's name.
    pub const fn action(&self) -> &'static str {
        match self {
            Self::Code { action, .. } | Self::World { action, .. } => action,
        }
    }
}

/// A line of a table of steps: a function of the code.
pub const fn code(action: &'static str, path: &'static str, function: &'static str) -> Step {
    Step::Code {
        action,
        path,
        function,
    }
}

/// A line of a table of steps: something that the world does.
pub const fn world(action: &'static str, means: &'static str) -> Step {
    Step::World { action, means }
}
