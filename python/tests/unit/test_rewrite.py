"""Rewrite rules on tasks."""

from __future__ import annotations

from operator import add

import pytest
from oxidask.rewrite import RewriteRule, RuleSet, Traverser, args, head


def inc(x):
    return x + 1


def double(x):
    return 2 * x


increment = RewriteRule((add, "a", 1), (inc, "a"), ("a",))
twice = RewriteRule((add, "a", "a"), (double, "a"), ("a",))
swap = RewriteRule((add, "a", "b"), (add, "b", "a"), ("a", "b"))


def test_terms():
    assert head((inc, 1)) is inc
    assert args([1, 2]) == [1, 2]
    walk = Traverser((add, (inc, 1), 2))
    other = walk.copy()
    walk.next()
    walk.skip()
    assert walk.current == 2
    assert list(other) == [add, inc, 1, 2]


def test_literals_win_over_variables_and_repeated_variables_must_agree():
    rules = RuleSet(twice, increment)
    assert rules.rewrite((add, 1, 1)) == (inc, 1)
    assert rules.rewrite((add, 2, 2)) == (double, 2)
    assert rules.rewrite((add, 2, 3)) == (add, 2, 3)


def test_rewriting_is_bottom_up_and_reaches_into_lists():
    rules = RuleSet(twice, increment)
    assert rules.rewrite((sum, [(add, (add, 1, 1), (add, 1, 1))])) == (sum, [(double, (inc, 1))])
    assert rules.rewrite((sum, [(add, 1, 1)]), strategy="top_level") == (sum, [(add, 1, 1)])


def test_substitution_is_simultaneous():
    assert RuleSet(swap).rewrite((add, "b", "a")) == (add, "a", "b")


def test_terms_that_cannot_be_hashed_match_variables():
    assert RuleSet(twice).rewrite((add, {1: 2}, {1: 2})) == (double, {1: 2})


def test_replacement_by_a_function():
    rule = RewriteRule((list, "x"), lambda found: found["x"], ("x",))
    assert RuleSet(rule).rewrite((list, (inc, 1))) == (inc, 1)


def test_wrong_arguments_are_named():
    with pytest.raises(TypeError, match="vars must be a tuple"):
        RewriteRule("a", "b", ["a"])
    with pytest.raises(ValueError, match="no-such"):
        RuleSet(twice).rewrite(1, strategy="no-such")
