"""Term rewriting of tasks: rules of the form *pattern -> replacement*, matched many at once.

Rules are kept in a discrimination net: a trie over the pre-order walk of their left sides, in which
all variables are the same wildcard.  Matching a term walks the trie once, whatever the number of
rules; the constraint that a variable used twice means the same term is checked at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from oxidask.core import istask, subs

__all__ = ["END", "VAR", "Node", "RewriteRule", "RuleSet", "Token", "Traverser", "args", "head"]


class Token:
    """A mark that is equal to nothing but itself."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


VAR = Token("?")
"""Any subterm, in the net."""
END = Token("end")
"""The end of a term."""


def head(task: Any) -> Any:
    """Return the function of a task, ``list`` of a list, and anything else itself.

    Examples
    --------
    >>> head((abs, 1)) is abs, head([1, 2]) is list, head(1)
    (True, True, 1)
    """
    if istask(task):
        return task[0]
    return list if isinstance(task, list) else task


def args(task: Any) -> Any:
    """Return the arguments of a task, the items of a list, and for anything else ``()``.

    Examples
    --------
    >>> args((abs, 1)), args([1, 2]), args(1)
    ((1,), [1, 2], ())
    """
    if istask(task):
        return task[1:]
    return task if isinstance(task, list) else ()


class Traverser:
    """A position in the pre-order walk of a term.

    Parameters
    ----------
    term
        A task, list or literal.

    Examples
    --------
    >>> list(Traverser((max, (abs, 1), 2))) == [max, abs, 1, 2]
    True
    """

    def __init__(self, term: Any, stack: list[Any] | None = None) -> None:
        self.term = term
        # What is left to walk after the current term, the next one last.
        self._stack = [END] if stack is None else stack

    def __iter__(self) -> Iterator[Any]:
        while self.current is not END:
            yield self.current
            self.next()

    @property
    def current(self) -> Any:
        """The head of the term at this position."""
        return head(self.term)

    def copy(self) -> Traverser:
        """Return an independent traverser at the same position."""
        return Traverser(self.term, list(self._stack))

    def next(self) -> None:
        """Go to the next position: into the current term if it has arguments."""
        self._stack.extend(reversed(args(self.term)))
        self.term = self._stack.pop()

    def skip(self) -> None:
        """Go past the current term."""
        self.term = self._stack.pop()


class Node(tuple[dict[Any, Any], list[int]]):
    """A node of the net: the edges by head, and the rules whose left side ends here."""

    __slots__ = ()

    def __new__(
        cls, edges: dict[Any, Any] | None = None, patterns: list[int] | None = None
    ) -> Node:
        """Make a node, an empty one by default."""
        return super().__new__(
            cls, ({} if edges is None else edges, [] if patterns is None else patterns)
        )

    @property
    def edges(self) -> dict[Any, Any]:
        """Heads to the nodes that follow."""
        return self[0]

    @property
    def patterns(self) -> list[int]:
        """Indexes of the rules that match here."""
        return self[1]


class RewriteRule:
    """A rule ``lhs -> rhs``.

    Parameters
    ----------
    lhs
        The pattern: a term in which `vars` stand for any subterm.
    rhs
        The replacement: a term with the same variables, or a function from a dictionary of what
        the variables matched to a term.
    vars
        The variables, names that `lhs` uses.

    Examples
    --------
    >>> rule = RewriteRule((pow, "x", 1), "x", ("x",))
    >>> RuleSet(rule).rewrite((abs, (pow, -2, 1))) == (abs, -2)
    True
    """

    def __init__(self, lhs: Any, rhs: Any, vars: tuple[Any, ...] = ()) -> None:
        if not isinstance(vars, tuple):
            raise TypeError(f"vars must be a tuple of variables, got {vars!r}")
        self.lhs = lhs
        self._varlist = [item for item in Traverser(lhs) if _is_one_of(item, vars)]
        self.vars = tuple(sorted(set(self._varlist)))
        self.rhs = rhs
        self.subs: Callable[[dict[Any, Any]], Any] = rhs if callable(rhs) else self._apply

    def _apply(self, matched: dict[Any, Any]) -> Any:
        # All at once rather than one after the other: a matched term may hold a variable's name.
        return _replace(self.rhs, matched)

    def __str__(self) -> str:
        return f"RewriteRule({self.lhs}, {self.rhs}, {self.vars})"

    def __repr__(self) -> str:
        return str(self)


def _is_one_of(item: Any, names: tuple[Any, ...]) -> bool:
    try:
        return item in frozenset(names)
    except TypeError:
        return False


def _replace(term: Any, matched: dict[Any, Any]) -> Any:
    if istask(term):
        return (term[0], *(_replace(arg, matched) for arg in term[1:]))
    if isinstance(term, list):
        return [_replace(item, matched) for item in term]
    for name, value in matched.items():
        new = subs(term, name, value)
        if new is not term:
            return new
    return term


class RuleSet:
    """Rules that are matched together.

    Parameters
    ----------
    *rules
        The rules; of several that match, one with a literal wins over one with a variable in its
        place.

    Examples
    --------
    >>> rules = RuleSet(RewriteRule((pow, "x", 2), (abs, "x"), ("x",)))
    >>> rules.rewrite([(pow, 3, 2)]) == [(abs, 3)]
    True
    """

    def __init__(self, *rules: RewriteRule) -> None:
        self._net = Node()
        self.rules: list[RewriteRule] = []
        for rule in rules:
            self.add(rule)

    def add(self, rule: RewriteRule) -> None:
        """Add a rule."""
        if not isinstance(rule, RewriteRule):
            raise TypeError(f"rule must be a RewriteRule, got {rule!r}")
        node = self._net
        for item in Traverser(rule.lhs):
            edge = VAR if _is_one_of(item, rule.vars) else item
            node = node.edges.setdefault(edge, Node())
        node.patterns.append(len(self.rules))
        self.rules.append(rule)

    def iter_matches(self, term: Any) -> Iterator[tuple[RewriteRule, dict[Any, Any]]]:
        """Yield the rules that match `term` as a whole, with what their variables matched."""
        for index, matched in _matches(Traverser(term), self._net, ()):
            rule = self.rules[index]
            substitution = _bind(rule, matched)
            if substitution is not None:
                yield rule, substitution

    def _rewrite(self, term: Any) -> Any:
        for rule, substitution in self.iter_matches(term):
            return rule.subs(substitution)
        return term

    def rewrite(self, task: Any, strategy: str = "bottom_up") -> Any:
        """Return `task` with matching terms replaced, each at most once.

        Parameters
        ----------
        task
            The term.
        strategy
            ``"bottom_up"`` (arguments first) or ``"top_level"`` (only the task as a whole).
        """
        if strategy not in strategies:
            raise ValueError(f"Unknown strategy {strategy!r}; known are {sorted(strategies)}")
        return strategies[strategy](self, task)


def _matches(
    position: Traverser, node: Node, matched: tuple[Any, ...]
) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Yield index and matched terms of the rules below `node`, those with literals first."""
    if position.current is END:
        for index in node.patterns:
            yield index, matched
        return
    try:
        literal_edge = node.edges.get(position.current)
    except TypeError:  # a term that cannot be hashed equals no literal
        literal_edge = None
    if literal_edge is not None:
        into = position.copy()
        into.next()
        yield from _matches(into, literal_edge, matched)
    wildcard_edge = node.edges.get(VAR)
    if wildcard_edge is not None:
        past = position.copy()
        past.skip()
        yield from _matches(past, wildcard_edge, (*matched, position.term))


def _bind(rule: RewriteRule, matched: tuple[Any, ...]) -> dict[Any, Any] | None:
    """Return variables to terms, or None if a variable would have to be two terms."""
    substitution: dict[Any, Any] = {}
    for name, term in zip(rule._varlist, matched, strict=True):
        if name in substitution and substitution[name] != term:
            return None
        substitution[name] = term
    return substitution


def _top_level(rules: RuleSet, term: Any) -> Any:
    return rules._rewrite(term)


def _bottom_up(rules: RuleSet, term: Any) -> Any:
    if istask(term):
        term = (term[0], *(_bottom_up(rules, arg) for arg in term[1:]))
    elif isinstance(term, list):
        term = [_bottom_up(rules, item) for item in term]
    return rules._rewrite(term)


strategies: dict[str, Callable[[RuleSet, Any], Any]] = {
    "bottom_up": _bottom_up,
    "top_level": _top_level,
}
