//! Recovery: from every reachable state, if nothing more goes wrong, the promised end can be reached.
//!
//! The checker's own `eventually` misses counterexamples where paths join or cycle, as its documentation says,
//! and these protocols retry. So the whole graph is built here once and walked backwards from the good ends.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt::Debug;
use std::hash::Hash;
use std::mem::discriminant;

use crate::Protocol;

/// What a search of all states found.
#[derive(Debug)]
pub struct Searched {
    /// Different states.
    pub states: usize,
    /// Names of all actions that changed something.
    pub taken: BTreeSet<String>,
    /// The shortest way into a state that nothing leads out of to a good end; empty when there is none.
    pub stuck: Vec<String>,
}

/// Walks every reachable state of `model`.
///
/// # Panics
/// With more than 2^32 states.
pub fn search<P: Protocol>(model: &P) -> Searched {
    let mut graph = Graph::default();
    let mut kinds = HashSet::new();
    let mut taken = BTreeSet::new();
    for state in model.init_states() {
        graph.meet(state, None);
    }
    while let Some(from) = graph.queue.pop_front() {
        let state = graph.states[from as usize].clone();
        let mut actions = Vec::new();
        model.actions(&state, &mut actions);
        for action in actions {
            let Some(next) = model.next_state(&state, action.clone()) else {
                continue;
            };
            if next == state {
                continue;
            }
            if kinds.insert(discriminant(&action)) {
                taken.insert(name_of(&action));
            }
            let is_fault = P::is_fault(&action);
            let to = graph.meet(next, Some((from, action)));
            if !is_fault {
                graph.backwards[to as usize].push(from);
            }
        }
    }
    Searched {
        states: graph.states.len(),
        taken,
        stuck: graph.stuck(|state| model.is_settled(state)),
    }
}

/// The name of an action, without what it is about.
fn name_of(action: &impl Debug) -> String {
    let shown = format!("{action:?}");
    let end = shown.find(|letter: char| !letter.is_alphanumeric());
    shown[..end.unwrap_or(shown.len())].to_owned()
}

struct Graph<S, A> {
    states: Vec<S>,
    index: HashMap<S, u32>,
    came: Vec<Option<(u32, A)>>,
    /// Who leads here without a fault.
    backwards: Vec<Vec<u32>>,
    queue: VecDeque<u32>,
}

impl<S, A> Default for Graph<S, A> {
    fn default() -> Self {
        Self {
            states: Vec::new(),
            index: HashMap::new(),
            came: Vec::new(),
            backwards: Vec::new(),
            queue: VecDeque::new(),
        }
    }
}

impl<S: Clone + Debug + Eq + Hash, A: Debug> Graph<S, A> {
    fn meet(&mut self, state: S, came: Option<(u32, A)>) -> u32 {
        if let Some(known) = self.index.get(&state) {
            return *known;
        }
        let number = u32::try_from(self.states.len()).expect("models are small");
        self.index.insert(state.clone(), number);
        self.states.push(state);
        self.came.push(came);
        self.backwards.push(Vec::new());
        self.queue.push_back(number);
        number
    }

    fn stuck(&self, is_settled: impl Fn(&S) -> bool) -> Vec<String> {
        let mut good: Vec<bool> = self.states.iter().map(is_settled).collect();
        let mut queue: VecDeque<usize> = (0..good.len()).filter(|at| good[*at]).collect();
        while let Some(at) = queue.pop_front() {
            for before in &self.backwards[at] {
                let before = *before as usize;
                if !std::mem::replace(&mut good[before], true) {
                    queue.push_back(before);
                }
            }
        }
        // Numbered in the order of a breadth-first search: the first has the shortest way.
        let Some(stuck) = good.iter().position(|good| !good) else {
            return Vec::new();
        };
        let mut way = vec![format!("{:?}", self.states[stuck])];
        let mut at = stuck;
        while let Some((before, action)) = &self.came[at] {
            way.push(format!("{action:?}"));
            at = *before as usize;
        }
        way.reverse();
        way
    }
}
