"""One evaluation closely: its scores with intervals, leaks, the spread over test images, and the pictures."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from dataeff_core.evaluation.normdel import normdel, weighs
from dataeff_core.ui import fragments, gallery, routes, words
from dataeff_core.ui.pretrain import entries
from dataeff_core.ui.quantities import counted, duration, literal, share, when
from dataeff_core.ui.results import figures
from dataeff_core.workspace import Evaluation, EvaluationRecord, Run, Workspace

KINDS = {"best": "Best", "median": "In the middle", "worst": "Worst"}
FIRST = ("fg_iou_mean_per_image", "fg_iou_pooled", "two_class_mean")
_SPLITS = {"train": "to train the head", "validation": "to choose", "test": "to score"}


def draw(workspace: Workspace, evaluation: Evaluation, runs: Mapping[str, Run]) -> None:
    """Everything on one evaluation, in the place where it is called."""
    record = evaluation.record
    st.markdown(f"#### {literal(_title(record, runs))} :gray[on {literal(record.dataset_name)}]")
    st.caption(_facts(record, runs.get(record.run or "")))
    _draw_leaks(record)
    _draw_metrics(record)
    fragments.draw(_draw_images, evaluation)
    _draw_settings(record)


def metrics_in_order(record: EvaluationRecord) -> list[str]:
    """The headline first, then the other kinds of mIoU, then the rest."""
    first = [record.headline, *FIRST]
    return list(dict.fromkeys(one for one in [*first, *record.metrics] if one in record.metrics))


def leak_sentence(record: EvaluationRecord) -> str:
    """What was found of images that are in both sets; '' where nothing was."""
    leaks = record.leaks
    if not leaks.get("checked"):
        why = str(leaks.get("why") or "the encoder's training images are not known")
        return f"Not checked for images that are in both sets: {why}."
    frames = int(leaks.get("frames") or 0)
    if not frames:
        return ""
    without = leaks.get("score_without")
    told = (
        f" Without {'it' if frames == 1 else 'them'} it would be {float(without):.3f}." if without is not None else ""
    )
    return (
        f"{counted(frames, 'image')} of {literal(record.dataset_name)} "
        f"{'has a near-duplicate' if frames == 1 else 'have near-duplicates'} among the images trained on, so the "
        f"score may be too high.{told} Take them out of one of the two sets and evaluate again."
    )


def _title(record: EvaluationRecord, runs: Mapping[str, Run]) -> str:
    run = runs.get(record.run or "")
    called = record.name or (run.record.name if run is not None else "") or record.encoder
    if record.encoder.startswith("untrained:"):
        return f"{called}, untrained"
    return f"{called}, after epoch {record.epoch}" if record.epoch is not None else called


def _facts(record: EvaluationRecord, run: Run | None) -> str:
    parts = [
        f"{counted(record.counts[name], 'image')} {told}" for name, told in _SPLITS.items() if name in record.counts
    ]
    if record.counts.get("left_out"):
        parts.append(f"{record.counts['left_out']} left out")
    if record.retained is not None:
        of_mosaics = run is not None and run.record.tiling is not None
        kept = entries.images_told(run.record) if run is not None and of_mosaics else share(record.retained)
        parts.append(f"pre-trained on {kept}")
    return " · ".join(
        [*parts, f"{words.label('seed').lower()} {record.seed}", duration(record.seconds), when(record.created)]
    )


def _draw_leaks(record: EvaluationRecord) -> None:
    told = leak_sentence(record)
    if not told:
        return
    if not record.leaks.get("checked"):
        st.caption(told)
        return
    st.warning(told, icon=":material/water_drop:")


def _draw_metrics(record: EvaluationRecord) -> None:
    names = metrics_in_order(record)
    shown: list[tuple[str, str, str, str | None]] = []
    for name in names:
        low, high = record.intervals.get(name, (np.nan, np.nan))
        told = f"{low:.3f} to {high:.3f}" if np.isfinite(low) else "no interval"
        shown.append((words.label(name), f"{record.metrics[name]:.3f}", told, words.help_of(name)))
    share = record.retained if record.task == "segmentation" and record.run is not None else None
    if share is not None and weighs(share):
        weighed = normdel(record.score, share)
        shown.append((words.label("normdel"), f"{weighed:.3f}", "α = 1", words.help_of("normdel")))
    for column, (label, value, told, help_) in zip(st.columns(max(4, len(shown)), gap="small"), shown, strict=False):
        column.metric(
            label, value, delta=told, delta_color="off", delta_arrow="off", border=True, help=help_, height="stretch"
        )
    st.caption(
        "Below each score: 95 % bootstrap interval over the test images. It does not hold what other seeds do."
    )


def _draw_images(evaluation: Evaluation) -> None:
    """The spread over the images beside the pictures; turning to another kind runs only this."""
    scores = evaluation.per_image
    overlays = {kind: files for kind, files in evaluation.overlays.items() if files}
    left, right = st.columns([2, 3], gap="medium") if overlays else (st.container(), None)
    if "iou" in scores:
        with left:
            st.markdown("**How the test images are spread**")
            st.plotly_chart(
                figures.per_image(scores["iou"], mean=float(scores["iou"].mean()), dark=_dark()),
                key=f"per-image-{evaluation.id}",
                config=figures.config(f"{evaluation.id}-per-image"),
                alt="test images by their overlap",
            )
    with left:
        st.download_button(
            "Test images as CSV",
            data=lambda: scores.to_csv(index=False),
            file_name=f"{evaluation.id}-per-image.csv",
            mime="text/csv",
            icon=":material/download:",
            type="tertiary",
            key=f"per-image-csv-{evaluation.id}",
            on_click="ignore",
        )
    if right is not None:
        with right:
            _draw_gallery(evaluation, scores, overlays)


def _draw_gallery(evaluation: Evaluation, scores: pd.DataFrame, overlays: Mapping[str, list]) -> None:
    kind = str(
        st.segmented_control(
            "Pictures",
            list(overlays),
            format_func=lambda one: KINDS.get(one, one),
            default=next(iter(overlays)),
            required=True,
            key=f"overlay-kind-{evaluation.id}",
            label_visibility="collapsed",
        )
    )
    files = overlays.get(kind) or next(iter(overlays.values()))
    ious = dict(zip(scores["frame_id"], scores["iou"], strict=True)) if "iou" in scores else {}
    groups = dict(zip(scores["frame_id"], scores["group"], strict=True))

    def tile(row: int) -> gallery.Tile:
        stem = files[row].stem
        frame_id = stem.split("-", 2)[-1]
        iou = ious.get(frame_id)
        return gallery.Tile(
            frame_id=stem,
            sha256="",
            url=routes.overlay_url(evaluation.id, stem),
            caption=f"overlap {iou:.3f}" if iou is not None else frame_id,
            detail=str(groups.get(frame_id, "")),
        )

    st.caption("Yellow outline: the truth. Blue: what the model marks. Click one to see it larger.")
    picked = gallery.draw(range(len(files)), tile, key=f"overlays-{evaluation.id}-{kind}", label="Pictures")
    if picked:
        _show(evaluation, picked)


def _show(evaluation: Evaluation, stem: str) -> None:
    """One picture, large."""

    @st.dialog("Truth and prediction", width="large")
    def shown() -> None:
        gallery.draw_picture(
            routes.overlay_url(evaluation.id, stem), alt=f"overlay {stem}", key=f"overlay-{evaluation.id}-{stem}"
        )

    shown()


def _draw_settings(record: EvaluationRecord) -> None:
    with st.expander("How it was done"):
        told = {"task": record.task, "encoder": record.encoder, "weights": record.weights[:16]} | record.params
        if record.label:
            told["label"] = record.label
        for note in record.notes.values():
            st.markdown(f"- {literal(str(note))}")
        st.dataframe(
            pd.DataFrame({"Setting": list(told), "Value": [str(one) for one in told.values()]}),
            hide_index=True,
            width="stretch",
        )


def _dark() -> bool:
    return st.context.theme.type == "dark"
