"""How many groups a rule may have: `max_groups`, the bound of what it remembers.

A rule has the groups whose past still matters to what may come: those with a row in its window, or all that ever were
where it looks back for ever. That is a function of its events, like its anomalies. The batch that takes it beyond the
limit is still judged, all groups of it; from then on the rule is limited and judges nothing, so what stands is
always what one evaluation of the same stretch of history gives.
"""

from dataclasses import replace

from rules.evaluation import carry
from rules.micro_batches.memory import Memory
from rules.rule import Rule
from rules.window import A_MOMENT


def within_limit(rule: Rule, memory: Memory, arrived: int) -> tuple[Memory, str | None]:
    """The memory with what is known about its groups, and why the rule is limited, if it is. `arrived` is how many
    groups came in last.

    Groups are only counted when they may have become too many, so that it costs nothing on the way there.
    """
    at_most = memory.groups_at_most + arrived
    if at_most > rule.max_groups:
        at_most = memory.rows["group_key"].n_unique()
    if at_most > rule.max_groups and memory.newest is not None:
        groups = carry(rule, memory.rows, memory.newest + A_MOMENT)["group_key"].n_unique()
        if groups > rule.max_groups:
            return memory, _sentence(rule, groups)
    return replace(memory, groups_at_most=at_most), None


def _sentence(rule: Rule, groups: int) -> str:
    return (
        f"It has {groups:,} groups, and its max_groups is {rule.max_groups:,}. Let it look at fewer events, group by "
        "something coarser, or raise max_groups; then `eventpulse backfill` evaluates what it has missed."
    )
