"""The report as one HTML file that loads nothing from anywhere: style and pictures are within it."""

import base64
import hashlib

from dataeff_core.assets import FOLDER
from dataeff_core.report import evidence, selecting
from dataeff_core.report.gathering import Facts
from dataeff_core.report.markup import Child, Markup, foreign, joined, tag
from dataeff_core.report.pictures import Pictures
from dataeff_core.report.words import moment

SECTIONS = (
    ("short", "In short", selecting.in_short),
    ("frames", "The frames", selecting.the_frames),
    ("method", "How frames were chosen", selecting.the_method),
    ("removed", "What was removed, and why", selecting.what_was_removed),
    ("lost", "Is anything lost?", evidence.is_anything_lost),
    ("people", "What people decided", evidence.what_people_decided),
    ("blind", "The blind audit", evidence.the_blind_audit),
    ("again", "Would the same frames be chosen again?", evidence.chosen_again),
    ("unchecked", "What was not checked", evidence.not_checked),
    ("recipe", "How to make and to check it again", evidence.the_recipe),
    ("signed", "Signatures", evidence.signatures),
)


def html_of(facts: Facts, *, pictures: bool = True) -> bytes:
    """The whole report, UTF-8. Without `pictures` frames are named and not shown."""
    shown = Pictures(facts, pictures)
    record = facts.saved.record
    title = f"Which frames were kept: {record.dataset_name}"
    sections = [
        tag("section", tag("h2", f"{number}. {name}"), write(facts, shown), id=key)
        for number, (key, name, write) in enumerate(SECTIONS, 1)
    ]
    head = tag(
        "header",
        tag("p", "Report on a selection of images for training", class_="kicker"),
        tag("h1", "Which frames were kept: ", foreign(record.dataset_name)),
        tag(
            "p", "Selection ", foreign(record.name or record.id), f", made {moment(record.created)}. ", class_="lead"
        ),
        tag("p", f"Report of {moment(facts.made)}, with what people had decided until then.", class_="lead"),
    )
    contents = tag(
        "nav",
        tag("ol", [tag("li", tag("a", name, href=f"#{key}")) for key, name, _ in SECTIONS]),
        aria_label="Contents",
    )
    text = page(title, [head, contents, tag("main", sections), foot(facts)])
    return text.encode("utf-8", "backslashreplace")


def page(title: str, body: Child) -> Markup:
    """A page whose own rules forbid it to load or run anything."""
    style = (FOLDER / "report.css").read_text()
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    rules = f"default-src 'none'; img-src data:; style-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=rules),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        Markup(f"<style>{style}</style>"),
    )
    return Markup(f"<!doctype html>\n{tag('html', head, tag('body', joined(body)), lang='en')}\n")


def foot(facts: Facts) -> Markup:
    return tag(
        "footer",
        f"Made by DataEff {facts.versions['DataEff']}. This file is complete in itself and loads nothing from "
        "elsewhere. The tables beside it (CSV) hold every frame, and SHA256SUMS the fingerprints of all files.",
    )
