"""The report as one HTML file that loads nothing from anywhere: style and pictures are within it."""

import base64
import hashlib

from dataeff_core.assets import FOLDER
from dataeff_core.report import evidence, people, selecting
from dataeff_core.report.gathering import Facts
from dataeff_core.report.markup import Child, Markup, foreign, joined, tag
from dataeff_core.report.pictures import Pictures
from dataeff_core.report.words import SECTIONS, moment

WRITERS = {
    "short": selecting.in_short,
    "frames": selecting.the_frames,
    "method": selecting.the_method,
    "removed": selecting.what_was_removed,
    "lost": evidence.is_anything_lost,
    "people": people.what_people_decided,
    "blind": people.the_blind_audit,
    "again": evidence.chosen_again,
    "unchecked": evidence.not_checked,
    "recipe": evidence.the_recipe,
    "signed": evidence.signatures,
}


def html_of(facts: Facts, *, pictures: bool = True) -> bytes:
    """The whole report, UTF-8. Without `pictures` frames are named and not shown."""
    shown = Pictures(facts, pictures)
    record = facts.saved.record
    title = f"Which frames were kept: {record.dataset_name}"
    sections = [
        tag("section", tag("h2", f"{number}. {name}"), WRITERS[key](facts, shown), id=key)
        for number, (key, name) in enumerate(SECTIONS.items(), 1)
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
        tag("ol", [tag("li", tag("a", name, href=f"#{key}")) for key, name in SECTIONS.items()]),
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
