"""Which group (patient, video, procedure) a frame belongs to, and where it stands in it.

Without a rule: the first folder below the source, or the source's own name for files that lie directly in it;
each video is a group of its own. A rule is one of

- a pattern with `{group}` and, if wanted, `{order}` (digits), `*` (anything but a slash), `**/` (any folders) and
  `...` (anything), such as `{group}_{order}*` or `{group}/...`: with a slash it is held against the whole path,
  without against the file's name, extension or not;
- a regular expression with `(?P<group>...)` and, if wanted, `(?P<order>...)`, searched in the path;
- a CSV file with the columns path, group and, if wanted, order.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from dataeff_core.datasets.names import file_name, without_extension
from dataeff_core.datasets.sidecars import NO_ENTRY, match, read_table, unmatched
from dataeff_core.errors import BadInput

FIELD = re.compile(r"\{([^{}]*)\}|(\*\*/|\*+)|(\.\.\.)")


@dataclass(frozen=True)
class Groups:
    """For each frame its group and, where the rule gave one, its explicit order (else NaN)."""

    group: list[str]
    order: list[float]
    unmatched: int  # rows of the CSV without a frame, or files that the pattern does not fit


def assign(frames: pd.DataFrame, rule: str | None, source_name: str) -> Groups:
    """Group `frames` (columns path, kind, frame_index) by `rule`. Raises BadInput when wrong or fitting nothing."""
    default = [
        default_group(path, kind, source_name) for path, kind in zip(frames["path"], frames["kind"], strict=True)
    ]
    if rule is None:
        return Groups(default, [float("nan")] * len(default), 0)
    if rule.lower().endswith(".csv"):
        return _by_table(frames, Path(rule), default)
    return _by_pattern(frames, rule, default)


def check_rule(rule: str | None) -> None:
    """Raise BadInput at once when `rule` can never work, before anything is decoded."""
    if rule is None:
        return
    if rule.lower().endswith(".csv"):
        _group_table(Path(rule))
    else:
        compiled(rule)


def default_group(path: str, kind: str, source_name: str) -> str:
    """The group where no rule applies."""
    if kind == "video":
        return path
    first, slash, _ = path.partition("/")
    return first if slash else source_name


def compiled(rule: str) -> re.Pattern[str]:
    """The regular expression for a pattern. Raises BadInput."""
    if "(?P<group>" in rule:
        try:
            return re.compile(rule)
        except re.error as error:
            raise BadInput(f"the groups pattern {rule!r} is no regular expression ({error}); mend it") from error
    parts, end = [], 0
    for found in FIELD.finditer(rule):
        parts += [re.escape(rule[end : found.start()]), _part(found, rule)]
        end = found.end()
    parts.append(re.escape(rule[end:]))
    if sum("(?P<group>" in part for part in parts) != 1:
        raise BadInput(f"the groups pattern {rule!r} needs {{group}} once, as in '{{group}}_*' or '{{group}}/*'")
    if sum("(?P<order>" in part for part in parts) > 1:
        raise BadInput(f"the groups pattern {rule!r} has {{order}} more than once; leave one")
    return re.compile("^" + "".join(parts) + "$", re.DOTALL)


def _part(found: re.Match[str], rule: str) -> str:
    field, stars, dots = found.groups()
    if stars == "**/":
        return "(?:.*/)?"
    if dots or stars == "**":
        return ".*"
    if stars:
        return "[^/]*"
    if field == "group":
        return "(?P<group>[^/]+?)"
    if field == "order":
        return "(?P<order>[0-9]+)"
    raise BadInput(
        f"the groups pattern {rule!r} has the unknown field {{{field}}}; known are {{group}} and {{order}}"
    )


def _by_pattern(frames: pd.DataFrame, rule: str, default: list[str]) -> Groups:
    pattern = compiled(rule)
    by_file = {path: _held_against(pattern, path, rule) for path in frames["path"].unique()}
    missed = sum(found is None for found in by_file.values())
    if by_file and missed == len(by_file):
        example = next(iter(by_file))
        raise BadInput(f"the groups pattern {rule!r} fits none of {missed} files, not even {example!r}; mend it")
    group, order = [], []
    for path, fallback in zip(frames["path"], default, strict=True):
        found = by_file[path]
        fields = found.groupdict() if found else {}
        group.append(fields.get("group") or fallback)
        order.append(_number(fields.get("order")))
    return Groups(group, order, missed)


def _held_against(pattern: re.Pattern[str], path: str, rule: str) -> re.Match[str] | None:
    if "(?P<group>" in rule:
        return pattern.search(path)
    text = path if "/" in rule else file_name(path)
    return pattern.match(without_extension(text)) or pattern.match(text)


def _group_table(file: Path) -> tuple[list[str], list[str], list[float]]:
    table = read_table(file)
    if "group" not in table.cells:
        raise BadInput(f"the table {file} has no column 'group'; it needs path, group and, if wanted, order")
    texts = table.cells.get("order", [""] * len(table.keys))
    orders = [_number(text) for text in texts]
    wrong = next((text for text, order in zip(texts, orders, strict=True) if text and math.isnan(order)), None)
    if wrong is not None:
        raise BadInput(f"the table {file} has the order {wrong!r}, which is no number; mend it")
    return table.keys, table.cells["group"], orders


def _by_table(frames: pd.DataFrame, file: Path, default: list[str]) -> Groups:
    keys, groups, orders = _group_table(file)
    found = match(frames, keys, whole_videos=True)
    if len(frames) and (found == NO_ENTRY).all():
        raise BadInput(
            f"none of the {len(keys)} rows of {file} names a file of the source; give paths relative to it"
        )
    group = [
        fallback if at == NO_ENTRY else groups[at] or fallback for at, fallback in zip(found, default, strict=True)
    ]
    order = [float("nan") if at == NO_ENTRY else orders[at] for at in found]
    return Groups(group, order, unmatched(found, len(keys)))


def _number(text: str | None) -> float:
    try:
        return float(text) if text else float("nan")
    except ValueError:
        return float("nan")
