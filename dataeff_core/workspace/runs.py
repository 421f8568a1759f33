"""A pre-training run on disk: what was asked, how it went step by step, what it left.

run.json              RunRecord: all that determines it, written before the first step
frames.parquet        the images it trains on, in order: frame_id, sha256 (the content key); of mosaics their frames
cells.parquet         runs on mosaics: a row a cell, mosaic by mosaic: mosaic, frame_id, sha256, box in the frame
metrics.jsonl         one line a logged step (METRICS); lines after the checkpoint in use are cut off at resume
checkpoint.pt         the newest whole state: model, optimiser, schedule, random states; read with weights_only=True
snapshots/            epoch-00100.safetensors: the encoder as it was after that epoch
reconstructions/      epoch-00100.png: the same frames each time (methods that reconstruct)
encoder.safetensors   the finished encoder
decoder.safetensors   what draws the hidden parts (methods that reconstruct), for scoring by reconstruction error
result.json           RunResult: there when the run has finished
problem.json          {"sentence": ...}: why it stopped before its end, where it was not stopped on purpose
job                   the id of the job that trains it, or last did; not there where none did
.lock                 held by the process that trains
"""

import json
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict

from dataeff_core.workspace.mosaics import Tiling
from dataeff_core.workspace.records import Record
from dataeff_core.workspace.results import Result
from dataeff_core.workspace.storage import is_held, read_json, write_atomically

METRICS = ("step", "epoch", "images_seen", "loss", "learning_rate", "gradient_norm", "images_per_second", "seconds")
"""Of each line in metrics.jsonl: step (optimiser steps done), epoch (float, passes over the images), loss (mean since
the line before), gradient_norm (before clipping), images_per_second (since the line before), seconds (of training in
all attempts)."""


class RunRecord(Record):
    """What a run was asked to do: enough to do it again."""

    FILE: ClassVar[str] = "run.json"
    KIND: ClassVar[str] = "run"

    name: str = ""
    dataset: str
    dataset_name: str
    dataset_fingerprint: str
    selection: str | None = None  # None: every frame of the dataset
    selection_name: str = ""
    mosaics: str | None = None  # the saved set it trains on, in the place of frames
    mosaics_name: str = ""
    tiling: Tiling | None = None  # of its mosaics
    retained: float  # images it trains on for each frame of the dataset, the paper's R; above 1 with many mosaics
    images: int
    images_fingerprint: str  # over the content keys (sha256) of the frames it trains on, in order; or over the cells
    method: str
    preset: str = ""
    params: dict[str, Any]  # all fields of the method, resolved
    backbone: dict[str, Any]  # fields of backbones.Backbone
    seed: int
    epochs: int  # passes over the images, rounded up
    steps: int  # optimiser steps
    images_seen: int  # over the whole run
    snapshots: tuple[int, ...] = ()  # epochs after which its encoder is kept
    notes: dict[str, Any] = {}  # frames left out because they cannot be read, frames that are scaled up, ...
    code_version: str


class RunResult(BaseModel):
    """What came out of a finished run."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    FILE: ClassVar[str] = "result.json"

    epochs: float
    steps: int
    images_seen: int
    final_loss: float  # mean over the last epoch
    seconds: float  # of training, all attempts together
    images_per_second: float
    device: str
    precision: str
    weights: str  # fingerprint of the encoder's weights
    finished: str  # UTC, ISO 8601


class Run(Result[RunRecord]):
    """One run by its folder; every property reads what is on disk now."""

    RECORD = RunRecord
    FRAMES = "frames.parquet"
    CELLS = "cells.parquet"
    METRICS_FILE = "metrics.jsonl"
    CHECKPOINT = "checkpoint.pt"
    ENCODER = "encoder.safetensors"
    DECODER = "decoder.safetensors"
    PROBLEM = "problem.json"
    JOB = "job"

    @cached_property
    def frames(self) -> pd.DataFrame:
        """The images it trains on, in order, or the frames that its mosaics are of; columns frame_id, sha256."""
        return pd.read_parquet(self.folder / self.FRAMES)

    @cached_property
    def cells(self) -> pd.DataFrame | None:
        """The cells of its mosaics, in order; columns mosaic, frame_id, sha256, top, left, bottom, right. None where
        it trains on whole frames."""
        return None if self.record.tiling is None else pd.read_parquet(self.folder / self.CELLS)

    @property
    def result(self) -> RunResult | None:
        """What came out, None while it has not finished."""
        path = self.folder / RunResult.FILE
        return RunResult.model_validate(read_json(path)) if path.is_file() else None

    @property
    def state(self) -> Literal["done", "running", "stopped"]:
        """Whether it has finished, a process trains it now, or neither."""
        if (self.folder / RunResult.FILE).is_file():
            return "done"
        return "running" if is_held(self.lock_file) else "stopped"

    @property
    def problem(self) -> str:
        """Why it stopped before its end, in one sentence; '' where nothing was noted."""
        path = self.folder / self.PROBLEM
        return str(read_json(path)["sentence"]) if path.is_file() else ""

    @property
    def job(self) -> str:
        """The id of the job that trains it, or last did; '' where none did."""
        path = self.folder / self.JOB
        return path.read_text().strip() if path.is_file() else ""

    def note_job(self, job: str) -> None:
        """Note whose work it is now: a job's id (`reporter.job`), '' for none."""
        write_atomically(self.folder / self.JOB, lambda stream: stream.write(job.encode()))

    @property
    def lock_file(self) -> Path:
        return self.folder / ".lock"

    @property
    def checkpoint_file(self) -> Path:
        return self.folder / self.CHECKPOINT

    @property
    def encoder_file(self) -> Path:
        """The finished encoder's weights; not there before the run has finished."""
        return self.folder / self.ENCODER

    @property
    def decoder_file(self) -> Path:
        """The finished decoder's weights; not there before the run has finished, nor where its method has none."""
        return self.folder / self.DECODER

    def snapshot_file(self, epoch: int) -> Path:
        return self.folder / "snapshots" / f"epoch-{epoch:05d}.safetensors"

    @property
    def snapshots(self) -> dict[int, Path]:
        """Epoch -> the encoder's weights after it, ascending."""
        return _by_epoch(self.folder / "snapshots", "safetensors")

    def reconstruction_file(self, epoch: int) -> Path:
        return self.folder / "reconstructions" / f"epoch-{epoch:05d}.png"

    @property
    def reconstructions(self) -> dict[int, Path]:
        """Epoch -> the picture of what it made of the same frames, ascending."""
        return _by_epoch(self.folder / "reconstructions", "png")

    @property
    def metrics(self) -> pd.DataFrame:
        """One row a logged step, columns METRICS; a last line that is being written is left out."""
        path = self.folder / self.METRICS_FILE
        lines = path.read_bytes().split(b"\n")[:-1] if path.is_file() else []
        return pd.DataFrame([json.loads(line) for line in lines], columns=list(METRICS))


def _by_epoch(folder: Path, suffix: str) -> dict[int, Path]:
    files = sorted(folder.glob(f"epoch-*.{suffix}"))
    return {int(file.stem.removeprefix("epoch-")): file for file in files}
