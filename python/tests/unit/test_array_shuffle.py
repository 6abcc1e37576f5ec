"""Positions in groups, each in one block."""

import numpy as np
import oxidask.array as da
import pytest
from oxidask import config


@pytest.fixture
def x():
    return np.arange(36).reshape(3, 12)


@pytest.fixture
def d(x):
    return da.from_array(x, chunks=((2, 1), (4, 4, 4)))


@pytest.mark.parametrize(
    ("groups", "chunks"),
    [
        ([[1, 5, 9], [0, 2], [3, 4, 11]], ((2, 1), (5, 3))),
        ([[11], [10], [9, 8, 7, 6]], ((2, 1), (2, 4))),
        # A group that is larger than any block: the other axis is cut instead.
        ([[0, 4, 8, 1, 5, 9, 2, 6], [3]], ((1, 1, 1), (8, 1))),
        ([[0, 0, 0], []], ((2, 1), (3,))),
        ([], ((2, 1), (0,))),
    ],
)
def test_groups_lie_in_one_block(x, d, groups, chunks):
    result = d.shuffle(groups, axis=1)
    assert result.chunks == chunks
    np.testing.assert_array_equal(result.compute(), x[:, [i for group in groups for i in group]])


def test_blocks_grow_as_far_as_the_configuration_allows(x, d):
    with config.set({"array.chunk-size-tolerance": 1}):
        assert da.shuffle(d, [[1, 5, 9], [0, 2]], axis=-1).chunks[1] == (3, 2)


def test_nothing_is_done_for_the_blocks_as_they_are(d):
    groups = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert d.shuffle(groups, axis=1).name == d.name


def test_masked_blocks_stay_masked(x):
    masked = np.ma.masked_greater(x, 20)
    result = da.from_array(masked, chunks=(2, 5)).shuffle([[11, 0], [5]], axis=1).compute()
    np.testing.assert_array_equal(result.mask, masked[:, [11, 0, 5]].mask)
    np.testing.assert_array_equal(result.filled(-1), masked[:, [11, 0, 5]].filled(-1))


def test_what_cannot_be_shuffled(d):
    for wrong in ("s", [1], [[1], 2]):
        with pytest.raises(ValueError, match="indexer must be a list of lists"):
            d.shuffle(wrong, axis=1)
    with pytest.raises(ValueError, match="out of bounds"):
        d.shuffle([[1]], axis=2)
    for outside in (12, -1):
        with pytest.raises(IndexError, match=f"out of bounds index.*{outside}"):
            d.shuffle([[0, outside]], axis=1)
    with pytest.raises(NotImplementedError, match="'auto'"):
        d.shuffle([[0]], axis=1, chunks="large")
    with pytest.raises(ValueError, match="known chunk sizes"):
        d[:, d[0] > 2].shuffle([[0]], axis=1)
