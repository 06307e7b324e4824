# SPDX-License-Identifier: Apache-2.0
"""One global order, shared by any number of processes, from any point."""

import itertools

import pytest

from svr3d.engine.samplers import GlobalBatchSampler, GlobalSampler
from svr3d.errors import ConfigError


def batches(num_samples, batch_size, *, ranks=1, seed=0, **options):
    """Return the sampler of each rank."""
    return [
        GlobalBatchSampler(
            GlobalSampler(range(num_samples), seed),
            batch_size,
            rank=rank,
            num_processes=ranks,
            **options,
        )
        for rank in range(ranks)
    ]


def take(sampler, position=0, *, endless=False, number=None):
    sampler.position, sampler.endless = position, endless
    return list(itertools.islice(iter(sampler), number))


def test_shares_of_the_papers_batch():
    samplers = batches(60, 30, ranks=8)
    assert samplers[0].share_sizes(0) == [4, 4, 4, 4, 4, 4, 3, 3]
    assert [len(take(sampler)[0]) for sampler in samplers] == [4] * 6 + [3] * 2


@pytest.mark.parametrize("ranks", [2, 3, 8])
def test_shares_together_are_the_batch_of_one_process(ranks):
    whole = take(batches(47, 10)[0], endless=True, number=12)
    parts = [take(s, endless=True, number=12) for s in batches(47, 10, ranks=ranks)]
    for number, batch in enumerate(whole):
        sizes = batches(47, 10, ranks=ranks)[0].share_sizes(number)
        shares = [parts[r][number] for r in range(ranks) if sizes[r]]
        assert sum(shares, []) == batch


def test_process_without_a_sample_gets_a_stand_in():
    samplers = batches(7, 5, ranks=4)  # the last batch has 2 samples
    assert samplers[0].share_sizes(1) == [1, 1, 0, 0]
    assert [len(take(sampler)[1]) for sampler in samplers] == [1, 1, 1, 1]


def test_every_epoch_has_each_sample_once_in_its_own_order():
    sampler = batches(23, 4)[0]
    epochs = [sum(take(sampler, e * len(sampler)), []) for e in range(3)]
    orders = [[item.index for item in epoch] for epoch in epochs]
    assert all(sorted(order) == list(range(23)) for order in orders)
    assert orders[0] != orders[1] != orders[2]
    seeds = {item.seed for epoch in epochs for item in epoch}
    assert len(seeds) == 69  # a sample is augmented anew in each epoch


def test_starts_anywhere():
    sampler = batches(23, 4)[0]
    whole = take(sampler, endless=True, number=20)
    for position in (0, 3, 6, 13):
        rest = take(sampler, position, endless=True, number=20 - position)
        assert rest == whole[position:]
    assert take(sampler, 7) == whole[7:12]  # to the end of the second epoch


def test_depends_on_the_seed_and_can_keep_the_order():
    assert take(batches(23, 4)[0]) != take(batches(23, 4, seed=1)[0])
    plain = GlobalSampler(range(5), 0, shuffle=False)
    assert [item.index for item in plain] == [0, 1, 2, 3, 4]


def test_last_batch_can_be_left_out():
    assert [len(b) for b in take(batches(10, 4)[0])] == [4, 4, 2]
    assert [len(b) for b in take(batches(10, 4, drop_last=True)[0])] == [4, 4]
    with pytest.raises(ConfigError, match="at most the 3 samples"):
        batches(3, 4, drop_last=True)
    with pytest.raises(ConfigError, match="no samples"):
        batches(0, 4)


def test_number_of_views_is_drawn_per_batch_and_equal_in_all_processes():
    options = dict(num_views=(1, 5), ranks=3)
    parts = [
        take(s, endless=True, number=40) for s in batches(30, 6, seed=2, **options)
    ]
    for shares in zip(*parts, strict=True):
        assert len({item.num_views for share in shares for item in share}) == 1
    assert {batch[0].num_views for batch in parts[0]} == {1, 2, 3, 4, 5}
    assert take(batches(30, 6)[0])[0][0].num_views is None
    with pytest.raises(ConfigError, match="fewest, most"):
        batches(30, 6, num_views=(0, 2))


def test_other_samplers_are_refused():
    with pytest.raises(ConfigError, match="expects GlobalSampler, found range"):
        GlobalBatchSampler(range(3), 2)
