"""Tokens of generated values: equal where the values are, and only there."""

import copy

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oxidask.tokenize import tokenize

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text(st.characters(codec=None))
    | st.binary()
)
hashable = st.recursive(
    scalars,
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=4),
    max_leaves=6,
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(hashable, inner, max_size=4)
        | st.sets(hashable, max_size=4)
    ),
    max_leaves=12,
)


def spelled(value):
    """A text that two values share exactly when they are the same, types and all."""
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__}[{', '.join(map(spelled, value))}]"
    if isinstance(value, (set, frozenset)):
        return f"{type(value).__name__}[{', '.join(sorted(map(spelled, value)))}]"
    if isinstance(value, dict):
        return f"dict[{', '.join(sorted(spelled(k) + ':' + spelled(v) for k, v in value.items()))}]"
    if isinstance(value, complex):
        return f"complex[{value.real!r}, {value.imag!r}]"
    return f"{type(value).__name__}[{value!r}]"


@given(values, values)
def test_equal_tokens_mean_equal_values(a, b):
    assert (tokenize(a) == tokenize(b)) == (spelled(a) == spelled(b))


@given(values)
def test_copies_have_the_token_of_the_original(value):
    assert tokenize(copy.deepcopy(value)) == tokenize(value)
    assert tokenize([value, value]) == tokenize([copy.deepcopy(value), value])


@given(st.dictionaries(hashable, values, max_size=6), st.randoms(use_true_random=False))
def test_order_of_insertion_does_not_matter(d, random):
    items = list(d.items())
    random.shuffle(items)
    assert tokenize(dict(items)) == tokenize(d)
    assert tokenize(set(dict(items))) == tokenize(set(d))


@given(st.lists(values, min_size=1, max_size=4), st.data())
def test_a_change_anywhere_changes_the_token(items, data):
    place = data.draw(st.integers(0, len(items) - 1))
    changed = [*items[:place], data.draw(values), *items[place + 1 :]]
    assert (tokenize(items) == tokenize(changed)) == (spelled(items) == spelled(changed))


arrays = hnp.arrays(
    dtype=hnp.scalar_dtypes() | hnp.array_dtypes(),
    shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)


@given(arrays)
def test_an_array_has_the_token_of_its_copy(x):
    assert tokenize(x) == tokenize(x.copy())


@given(arrays, st.data())
def test_a_view_has_the_token_of_its_copy_in_the_same_order(x, data):
    view = x[data.draw(hnp.basic_indices(x.shape, allow_newaxis=True))]
    if isinstance(view, np.ndarray):
        assert tokenize(view) == tokenize(view.copy(order="A" if view.flags.forc else "C"))


@given(arrays, arrays)
def test_arrays_with_equal_tokens_are_equal(x, y):
    if tokenize(x) == tokenize(y):
        assert (x.dtype, x.shape, x.tobytes()) == (y.dtype, y.shape, y.tobytes())


nested_lists = st.recursive(
    st.integers(0, 3), lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=8
)


@given(st.lists(nested_lists, min_size=2, max_size=4), st.data())
def test_cycles_are_walked_to_an_end(items, data):
    items = [item if isinstance(item, list) else [item] for item in items]
    for _ in range(data.draw(st.integers(1, 4))):
        source, target = (items[data.draw(st.integers(0, len(items) - 1))] for _ in "ab")
        source.append(target)
    assert tokenize(items) == tokenize(copy.deepcopy(items))
