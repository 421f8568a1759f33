"""Which cells a benchmark has, and what is the same in all of them. Whatever cannot be is said before anything runs.

What is equal (our choices where the paper is silent):
- Cells of one seed share it everywhere: it draws the subset, the network's first weights, the order of the images,
  the split of the downstream images and the head. So within a seed the methods differ by their subset alone, and are
  compared in pairs; between seeds all of this changes. But what `every_nth`, `vinformation` and OPTIDEL take is the
  same whatever the seed (of OPTIDEL it draws how patches are put together), so that the spread over seeds of these
  lacks that of the subset; and one MAE has scored for all seeds.
- By default every cell sees as many images as full data does (the paper's "same computational power": epochs = full
  epochs / retained, Table 2); with the budget 'epochs' each cell makes as many passes over its own images instead.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel

from dataeff_core import __version__
from dataeff_core.benchmarking.subsets import OptiDEL, planned_optidel, scored_for
from dataeff_core.errors import BadInput
from dataeff_core.evaluation import make_task
from dataeff_core.pretraining import budgets
from dataeff_core.pretraining import make as make_pretraining
from dataeff_core.pretraining.cells import check_seams
from dataeff_core.selection import SELECTORS, selector_named
from dataeff_core.selection import make as make_selector
from dataeff_core.selection.base import check_seed
from dataeff_core.selection.baselines import frames_to_keep
from dataeff_core.workspace import Benchmark, BenchmarkRecord, Dataset, Workspace
from dataeff_core.workspace.benchmarks import FULL, OPTIDEL
from dataeff_core.workspace.records import fresh_id
from dataeff_core.workspace.storage import exclusive

METHODS = ("meddel", "random", FULL)
KEEPS = (0.05, 0.2, 0.5)
SEEDS = (0, 1, 2)
NOTHING: Mapping[str, Any] = MappingProxyType({})


def plan(
    workspace: Workspace,
    dataset: Dataset,
    on: Dataset,
    *,
    methods: Sequence[str] = METHODS,
    keeps: Sequence[float] = KEEPS,
    seeds: Sequence[int] = SEEDS,
    encoder: str = "latest",
    selection_params: Mapping[str, Mapping[str, Any]] = NOTHING,
    pretraining: str = "mae",
    preset: str = "",
    params: Mapping[str, Any] = NOTHING,
    budget: Literal["images_seen", "epochs"] = "images_seen",
    images_seen: int | None = None,
    epochs: int | None = None,
    snapshots: Sequence[float] = (),
    task: str = "segmentation",
    evaluation_params: Mapping[str, Any] = NOTHING,
    device: str = "auto",
    name: str = "",
) -> Benchmark:
    """The benchmark of these cells, nothing run yet; an equal one that is there already is returned, to go on with.

    `methods` are selection methods, OPTIDEL (mosaics of hard patches, a mosaic counting as an image) and FULL
    (everything, whose kept fraction is 1); `keeps` are fractions in (0, 1).
    `encoder` names the embedding that selections are made with. `epochs` is the passes that full data gets (with the
    budget 'epochs': that each cell gets), `images_seen` the same as a count of images; one of them or neither.
    `snapshots` are shares of a run in (0, 1) after which its encoder is scored too.

    Raises BadInput, NotFound (no such embedding), Stale (it is older than the frames), StorageFailed.
    """
    check_matrix(methods, keeps, seeds, snapshots)
    method = make_pretraining(pretraining, params, preset=preset)
    wanted = make_task(task, evaluation_params)
    truth = wanted.truth_fingerprint(on)  # raises where there is nothing to score against
    images = len(dataset.frames)
    length = length_of(images, budget, images_seen=images_seen, epochs=epochs)
    kept = tuple(keeps) if set(methods) != {FULL} else ()
    check_fits(images, method.batch_size, kept, full=FULL in methods)
    subsets = subset_params(dataset, methods, selection_params, kept)
    if OPTIDEL in methods:
        check_seams(OptiDEL.of(subsets[OPTIDEL]).mosaic.grid, method)
    record = BenchmarkRecord(
        id=fresh_id("benchmark"),
        name=name,
        dataset=dataset.id,
        dataset_name=dataset.record.name,
        dataset_fingerprint=dataset.fingerprint,
        on=on.id,
        on_name=on.record.name,
        on_fingerprint=on.fingerprint,
        truth=truth,
        methods=tuple(methods),
        keeps=kept,
        seeds=tuple(seeds),
        encoder=embedding_for(workspace, dataset, methods, encoder),
        selection_params=subsets,
        pretraining=pretraining,
        preset=preset,
        params=given(method, params),
        budget=budget,
        snapshots=tuple(sorted(snapshots)),
        task=wanted.NAME,
        evaluation_params=given(wanted, evaluation_params),
        device=device,
        code_version=__version__,
        **length,
    )
    return _equal_or_new(workspace, record)


def check_matrix(
    methods: Sequence[str], keeps: Sequence[float], seeds: Sequence[int], snapshots: Sequence[float] = ()
) -> None:
    """Raise BadInput for a matrix that is empty, names something twice, or holds what is no method or no share."""
    for what, values in (("methods", methods), ("kept fractions", keeps), ("seeds", seeds), ("snapshots", snapshots)):
        twice = [value for at, value in enumerate(values) if value in values[:at]]
        if twice:
            raise BadInput(f"{twice[0]} stands twice among the {what}; name it once")
    known = [*(one.NAME for one in SELECTORS), OPTIDEL, FULL]
    for method in methods:
        if method not in known:
            raise BadInput(f"there is no method {method!r}; choose {', '.join(known)}")
    if not methods or not seeds or (not keeps and set(methods) != {FULL}):
        raise BadInput("a benchmark needs a method, a kept fraction and a seed at least; name them")
    for keep in keeps:
        if not 0 < keep < 1:
            raise BadInput(f"keep {keep:g} is not in (0, 1); for everything add {FULL!r} to the methods")
    for share in snapshots:
        if not 0 < share < 1:
            raise BadInput(f"snapshot {share:g} is not in (0, 1), the share of a run after which to look")
    for seed in seeds:
        check_seed(seed)


def length_of(
    images: int, budget: str, *, images_seen: int | None = None, epochs: int | None = None
) -> dict[str, int | None]:
    """`images_seen` or `epochs`, whichever is equal in all cells, from what was given for `images` of full data.

    Raises BadInput where both are given, either is below 1, or a count of images is to be equal epochs.
    """
    if budget == "epochs" and images_seen is not None:
        raise BadInput(f"images seen {images_seen} cannot be equal when the epochs are; give the epochs instead")
    if images_seen is not None and epochs is not None:
        raise BadInput(f"epochs {epochs} and images seen {images_seen} say two lengths; give one of them")
    for what, value in (("epochs", epochs), ("images seen", images_seen)):
        if value is not None and value < 1:
            raise BadInput(f"{what} {value} is below 1; give 1 or more")
    passes = budgets.DEFAULT_EPOCHS if epochs is None else epochs
    if budget == "epochs":
        return {"epochs": passes, "images_seen": None}
    return {"epochs": None, "images_seen": passes * images if images_seen is None else images_seen}


def check_fits(images: int, batch_size: int, keeps: Sequence[float], *, full: bool) -> None:
    """Raise BadInput when a cell would have fewer images than one step takes."""
    if images == 0:
        raise BadInput("the dataset has no frames to pre-train on; import some first")
    least = min([frames_to_keep(keep, images) for keep in keeps] + ([images] if full else []))
    if least < batch_size:
        share = f"keep {min(keeps):g} of {images} frames" if keeps else f"all of {images} frames"
        raise BadInput(f"{share} comes to {least}, and one step takes {batch_size}; keep more, or lower batch_size")


def embedding_for(workspace: Workspace, dataset: Dataset, methods: Sequence[str], encoder: str) -> str:
    """The id of the embedding that selections are made with; '' where no method needs vectors."""
    if not any(selector_named(method).NEEDS_VECTORS for method in methods if method not in (OPTIDEL, FULL)):
        return ""
    embedding = workspace.embedding(dataset, encoder)
    embedding.check_fits(dataset)
    return embedding.id


def subset_params(
    dataset: Dataset, methods: Sequence[str], params: Mapping[str, Mapping[str, Any]], keeps: Sequence[float]
) -> dict[str, dict[str, Any]]:
    """What differs from each method's defaults, as values. Raises BadInput for a method that is not compared, and
    what `planned_optidel` raises."""
    for method in params:
        if method not in methods or method == FULL:
            chosen = ", ".join(one for one in methods if one != FULL) or "none"
            raise BadInput(f"parameters are given for {method!r}, which is not compared; compared are: {chosen}")
    found: dict[str, dict[str, Any]] = {}
    for name in (one for one in methods if one not in {OPTIDEL, FULL}):
        values = params.get(name, {})
        taken = given(make_selector(name, values), values) | scored_for(selector_named(name), dataset, values)
        found |= {name: taken} if taken else {}
    if OPTIDEL in methods:
        found[OPTIDEL] = planned_optidel(dataset, params.get(OPTIDEL, {}), tuple(keeps))
    return found


def given(made: BaseModel, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that were given, as the values that they were understood as."""
    return made.model_dump(mode="json", include=set(params))


def _equal_or_new(workspace: Workspace, record: BenchmarkRecord) -> Benchmark:
    """The newest benchmark with the same plan, or `record` as a new one."""
    own = {"id", "created"}
    folder = workspace.benchmarks_folder
    with exclusive(folder / ".lock"):
        for benchmark in reversed(workspace.benchmarks()):
            if benchmark.record.model_dump(exclude=own) == record.model_dump(exclude=own):
                return benchmark
        record.write(folder / record.id)
    return Benchmark(folder / record.id, record)
