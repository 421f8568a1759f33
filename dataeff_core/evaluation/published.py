"""The MedDEL paper's tables (ACM MM 2024), to be drawn beside our own numbers (assets/published/README.md)."""

from functools import cache

import pandas as pd

from dataeff_core.assets import FOLDER

SOURCE = "MedDEL (Yang, Tan, Sun, Yan; ACM MM 2024, arXiv 2401.17542v3)"


def table1() -> pd.DataFrame:
    """The paper's data sets: role ('pretraining' or 'downstream'), dataset, task, medical_centers, videos, frames,
    disease."""
    return _read("meddel_table1_datasets").copy()


def table2() -> pd.DataFrame:
    """eta, remaining (images), ratio_printed (fraction), epochs (of equal compute: 200 / ratio)."""
    return _read("meddel_table2_ratios").copy()


def table3() -> pd.DataFrame:
    """dataset, retained, miou, normdel: one row a data set and kept share, 48 in all; all numbers fractions.

    `retained` 0.33 is the column that the paper heads 30 % (a slip: its numbers are those of 33 %).
    """
    return _fractions(_read("meddel_table3_miou_normdel"))


def table4() -> pd.DataFrame:
    """dataset, retained, epochs, miou: by pre-training epochs, at 20 % and 33 %; shares and mIoU are fractions."""
    return _fractions(_read("meddel_table4_epochs"))


@cache
def _read(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / "published" / f"{name}.csv")


def _fractions(table: pd.DataFrame) -> pd.DataFrame:
    """A copy whose columns in percent are fractions under their plain names."""
    percent = [name for name in table.columns if name.endswith("_percent")]
    found = table.copy()
    found[percent] = found[percent] / 100
    return found.rename(columns={name: name.removesuffix("_percent") for name in percent})
