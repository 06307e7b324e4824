# SPDX-License-Identifier: Apache-2.0
"""Samplers of training: one global order, shared by all processes, from any point."""

import random
from collections.abc import Iterator, Sized

import torch
from mmengine.dist import get_dist_info, sync_random_seed
from mmengine.registry import DATA_SAMPLERS
from torch.utils.data import Sampler

from svr3d.datasets.rng import SeededIndex, stable_seed
from svr3d.errors import ConfigError


@DATA_SAMPLERS.register_module()
class GlobalSampler(Sampler):
    """The order of samples in each epoch, the same in all processes.

    Order and augmentation seeds depend on the run's seed, the epoch and the sample
    alone: neither on workers and number of processes, nor on what was drawn before.
    """

    def __init__(
        self, dataset: Sized, seed: int | None = None, *, shuffle: bool = True
    ):
        """Set up the order.

        Args:
            dataset: Only its length is used.
            seed: Seed of the run; drawn and agreed on by all processes if None.
            shuffle: Whether each epoch has its own random order.
        """
        self.num_samples = len(dataset)
        if not self.num_samples:
            raise ConfigError("train_dataloader.dataset: it has no samples")
        self.seed = sync_random_seed() if seed is None else int(seed)
        self.shuffle = shuffle
        self.epoch = 0

    def order(self, epoch: int) -> list[int]:
        """Return the indices of one epoch in their order."""
        if not self.shuffle:
            return list(range(self.num_samples))
        generator = torch.Generator().manual_seed(
            stable_seed("order", self.seed, epoch)
        )
        return torch.randperm(self.num_samples, generator=generator).tolist()

    def seeded(self, index: int, epoch: int) -> SeededIndex:
        """Return an index with the seed of its augmentation in an epoch."""
        return SeededIndex(index, stable_seed(self.seed, epoch, index))

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that iteration yields."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[SeededIndex]:
        epoch = self.epoch
        return iter([self.seeded(index, epoch) for index in self.order(epoch)])

    def __len__(self) -> int:
        return self.num_samples


@DATA_SAMPLERS.register_module()
class GlobalBatchSampler(Sampler):
    """Batches of the global order, of which each process yields its share.

    The batch size is that of all processes together. Shares are contiguous and differ
    by at most one sample: 30 over 8 processes are 4, 4, 4, 4, 4, 4, 3, 3. Where a
    batch has fewer samples than there are processes, those without one yield a
    stand-in, which ``share_sizes`` counts as 0 and the loss ignores.

    Attributes:
        position: Number of the next global batch, counted from the run's start. The
            training loop sets it, so that resuming loads no skipped data.
        endless: Whether iteration goes on over the ends of epochs.
    """

    def __init__(
        self,
        sampler: GlobalSampler,
        batch_size: int,
        *,
        drop_last: bool = False,
        num_views: tuple[int, int] | None = None,
        rank: int | None = None,
        num_processes: int | None = None,
    ):
        """Set up the batches.

        Args:
            sampler: The global order.
            batch_size: Samples of a global batch.
            drop_last: Whether an epoch's last batch is left out if it is not full.
            num_views: Fewest and most views of a sample; each batch draws its number.
                None: as many as the data set gives.
            rank: Number of this process; from torch.distributed if None.
            num_processes: Number of processes; from torch.distributed if None.
        """
        if not isinstance(sampler, GlobalSampler):
            raise ConfigError(
                "train_dataloader.sampler: GlobalBatchSampler expects GlobalSampler, "
                f"found {type(sampler).__name__}"
            )
        if drop_last and len(sampler) < batch_size:
            raise ConfigError(
                f"train_dataloader.batch_size: expected at most the {len(sampler)} "
                f"samples of the data set with drop_last, found {batch_size}"
            )
        if num_views is not None and not 1 <= num_views[0] <= num_views[1]:
            raise ConfigError(
                "train_dataloader.batch_sampler.num_views: expected (fewest, most), "
                f"found {num_views}"
            )
        own_rank, world = get_dist_info()
        self.sampler = sampler
        self.batch_size = int(batch_size)
        self.drop_last = drop_last
        self.view_range = num_views
        self.rank = own_rank if rank is None else rank
        self.num_processes = world if num_processes is None else num_processes
        self.position = 0
        self.endless = False

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        full, rest = divmod(len(self.sampler), self.batch_size)
        return full + (1 if rest and not self.drop_last else 0)

    def global_size(self, position: int) -> int:
        """Return the number of samples in a global batch."""
        start = (position % len(self)) * self.batch_size
        return min(self.batch_size, len(self.sampler) - start)

    def share_sizes(self, position: int) -> list[int]:
        """Return how many samples of a global batch each process has."""
        quotient, rest = divmod(self.global_size(position), self.num_processes)
        return [quotient + (rank < rest) for rank in range(self.num_processes)]

    def num_views(self, position: int) -> int | None:
        """Return how many views the samples of a global batch have, if it is drawn."""
        if self.view_range is None:
            return None
        seed = stable_seed("views", self.sampler.seed, position)
        return random.Random(seed).randint(*self.view_range)

    def __iter__(self) -> Iterator[list[SeededIndex]]:
        position, endless = self.position, self.endless
        ordered_epoch, order = None, []
        while True:
            epoch, number = divmod(position, len(self))
            if epoch != ordered_epoch:
                ordered_epoch, order = epoch, self.sampler.order(epoch)
            start = number * self.batch_size
            sizes = self.share_sizes(position)
            first = start + sum(sizes[: self.rank])
            share = order[first : first + sizes[self.rank]] or order[start : start + 1]
            views = self.num_views(position)
            seeded = (self.sampler.seeded(index, epoch) for index in share)
            yield [item._replace(num_views=views) for item in seeded]
            position += 1
            if not endless and number == len(self) - 1:
                return
