//! Algebraic intermediate representation: expressions, domains, constraints, and their readers.
