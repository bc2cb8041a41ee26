"""A sync of many photos against its ceiling: the cores over the CPU seconds that a photo needs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from statistics import median

from benchmarks.children import SyncRun, sync_in_child
from benchmarks.figures import Figure, Result, Target, spread
from benchmarks.stages import Bench, Costs, contents
from benchmarks.timing import Run, in_turn
from benchmarks.workspace import Workspace
from localsearch.machine import usable_cores

CEILING = Target(least=0.85)


def run(work: Workspace) -> Result:
    """In turn: the stages alone, a plain loop on all cores, and a sync in a process of its own."""
    files = sorted(work.some.iterdir())
    few = files[:: max(1, len(files) // work.sizes.stage_photos)]
    bench, cores = Bench(), usable_cores()
    costs: list[Costs] = []
    syncs: list[SyncRun] = []

    def alone() -> None:
        costs.append(bench.costs(contents(few)))

    def plain() -> None:
        with ThreadPoolExecutor(cores) as pool:
            list(pool.map(bench.whole, contents(few)))

    def sync() -> Run:
        store = work.fresh("store-throughput")
        syncs.append(sync_in_child(work.some, store))
        work.drop(store)
        return syncs[-1].run

    runs = in_turn({"alone": alone, "plain": plain, "sync": sync}, work.sizes.rounds)
    measured = len(runs["sync"])
    costs, syncs = costs[-measured:], syncs[-measured:]
    assert all(one.added == len(files) for one in syncs)
    rates = [len(files) / one.seconds for one in syncs]
    ceilings = [cores / cost.total for cost in costs]
    plains = [len(few) / run.wall for run in runs["plain"]]
    plain_cpu = [run.cpu / len(few) for run in runs["plain"]]
    sync_cpu = [one.cpu / len(files) for one in syncs]
    per_cost = [c / cost.total for c, cost in zip(sync_cpu, costs, strict=True)]
    left = [len(files) / one.undisturbed for one in syncs]
    busy = [one.cpu / (one.seconds * cores) for one in syncs]
    figures = (
        spread("sync over ceiling", _over(rates, ceilings), "", CEILING),
        spread("... of the cores that others left", _over(left, ceilings), "", CEILING),
        spread("sync over a plain loop on all cores", _over(rates, plains)),
        spread("sync", rates, "photos/s"),
        spread("ceiling", ceilings, "photos/s", note=f"{cores} cores / CPU seconds a photo"),
        spread("plain loop on all cores", plains, "photos/s"),
        spread("CPU of a sync over CPU of the stages", per_cost),
        spread(
            "CPU of the plain loop over CPU of the stages",
            [c / cost.total for c, cost in zip(plain_cpu, costs, strict=True)],
            note="what the cores cost each other",
        ),
        spread("cores kept busy", busy, note="CPU seconds / (seconds x cores)"),
        Figure(f"sync of {len(files):,} photos", median(one.seconds for one in syncs), "s"),
    )
    return Result(figures, (str(sorted(costs, key=lambda cost: cost.total)[measured // 2]),))


def _over(above: list[float], below: list[float]) -> list[float]:
    return [a / b for a, b in zip(above, below, strict=True)]
