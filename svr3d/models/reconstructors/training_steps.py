# SPDX-License-Identifier: Apache-2.0
"""Which optimisers step in which iterations, and against what."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TrainingStep:
    """What one training iteration does.

    Attributes:
        optimizers: Parts of the model whose optimisers step.
        adversary: The adversary's objective that is added to the losses; None for none.
    """

    optimizers: tuple[str, ...]
    adversary: str | None = None


class TrainingSteps:
    """A cycle of steps, one for each iteration, over and over.

    Which one is due depends on the number of the iteration alone, so that resumed runs
    go on where they were.
    """

    def __init__(
        self,
        steps: Sequence[Mapping[str, Any]],
        *,
        objectives: Collection[str] = (),
    ):
        """Take the steps from a config.

        Args:
            steps: Dicts with ``optimizers`` and perhaps ``adversary``; see
                :class:`TrainingStep`.
            objectives: What the model's adversary can be asked.

        Raises:
            ValueError: If there is no step, a step has an unknown key or objective or
                no optimiser, or the adversary is never asked.
        """
        if not steps:
            raise ValueError("steps: expected one or more, found none")
        cycle = []
        for index, step in enumerate(steps):
            unknown = sorted(set(step) - {"adversary", "optimizers"})
            if unknown:
                raise ValueError(
                    f"steps[{index}]: expected 'adversary' and 'optimizers', found "
                    f"{', '.join(map(repr, unknown))}"
                )
            names, objective = step.get("optimizers"), step.get("adversary")
            if isinstance(names, str) or not names:
                raise ValueError(
                    f"steps[{index}].optimizers: expected a list of one or more names, "
                    f"found {names!r}"
                )
            if objective is not None and objective not in objectives:
                known = ", ".join(objectives) or "an adversary in the model"
                raise ValueError(
                    f"steps[{index}].adversary: expected {known}, found {objective!r}"
                )
            cycle.append(TrainingStep(tuple(names), objective))
        if objectives and not any(step.adversary for step in cycle):
            raise ValueError(
                "steps: expected one with an objective of the adversary, "
                f"{', '.join(objectives)}; found none"
            )
        self.cycle = tuple(cycle)

    def at(self, iteration: int) -> TrainingStep:
        """Return the step of an iteration, the first of which is 0."""
        return self.cycle[iteration % len(self.cycle)]

    @property
    def parts(self) -> tuple[str, ...]:
        """All parts that some step trains, in the order of their names."""
        return tuple(sorted({name for step in self.cycle for name in step.optimizers}))
