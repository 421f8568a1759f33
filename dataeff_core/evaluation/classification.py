"""Classification: how well an encoder's vectors tell labels apart."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from dataeff_core.errors import BadInput, NotFound
from dataeff_core.evaluation.base import Examples, Material, Scored, Task
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Dataset
from dataeff_core.workspace.storage import fingerprint

PREFIX = "label_"
MOST_LABELS = 200


class Classification(Task):
    """A linear probe and the nearest neighbours, on the mean patch tokens of the frozen encoder.

    The probe is logistic regression on standardised vectors, its regularisation chosen on the validation images by
    their log loss; the neighbours vote by cosine similarity. Both are our choice: MedDEL does not classify.
    """

    NAME: ClassVar[Literal["segmentation", "classification"]] = "classification"
    TITLE: ClassVar[str] = "Recognise what the labels say"
    HEADLINE: ClassVar[str] = "auc_macro"

    label: str = Field(
        default="",
        title="Label",
        description="which column of the labels; left out: the only one there is",
    )
    neighbours: int = Field(
        default=10,
        ge=1,
        le=1000,
        title="Neighbours",
        description="how many of the most similar training images vote",
    )

    def label_of(self, dataset: Dataset) -> str | None:
        return self.column(dataset).removeprefix(PREFIX)

    def column(self, dataset: Dataset) -> str:
        """The frames table's column of the label. Raises BadInput without labels, NotFound for a wrong name."""
        there = [str(name) for name in dataset.frames.columns if str(name).startswith(PREFIX)]
        if not there:
            raise BadInput(
                f"{dataset.record.name} has no labels, which classification needs; import it again with --labels CSV"
            )
        listed = ", ".join(name.removeprefix(PREFIX) for name in there)
        if not self.label:
            if len(there) > 1:
                raise BadInput(f"{dataset.record.name} has several labels ({listed}); choose one with --label")
            return there[0]
        for name in (self.label, PREFIX + self.label):
            if name in there:
                return name
        raise NotFound(f"{dataset.record.name} has no label {self.label!r}; there are: {listed}")

    def truth_fingerprint(self, dataset: Dataset) -> str:
        column = self.column(dataset)
        return fingerprint(column, dataset.frames[column].fillna("").astype(str).tolist())

    def examples(self, dataset: Dataset, reporter: Reporter) -> Examples:
        """The images that have a label; strata: the labels."""
        column = self.column(dataset)
        frames = dataset.frames
        has = frames[column].notna() & (frames[column] != "")
        left_out = {str(one): "it has no label" for one in frames["frame_id"][~has]}
        used = frames[has].reset_index(drop=True)
        labels = used[column].astype(str).to_numpy(object)
        _check(column, labels)
        return Examples(used, labels, labels, left_out)

    def score(self, material: Material) -> Scored:
        from dataeff_core.evaluation.probing import probe

        return probe(self, material)


def _check(column: str, labels: np.ndarray) -> None:
    name = column.removeprefix(PREFIX)
    kinds = np.unique(labels.astype(str))
    if len(kinds) < 2:
        said = f"only {str(kinds[0])!r}" if len(kinds) else "no value"
        raise BadInput(f"label {name} has {said}, so there is nothing to tell apart; choose another label")
    if len(kinds) > MOST_LABELS:
        raise BadInput(
            f"label {name} has {len(kinds)} different values, more than the {MOST_LABELS} that can be told apart; "
            "choose one with categories"
        )
