"""Frames as a report shows them: small pictures within the page, or names alone where pictures are not wanted."""

from dataeff_core.report.examples import data_uri, place_of
from dataeff_core.report.gathering import Facts
from dataeff_core.report.markup import Child, Markup, foreign, tag


class Pictures:
    """Each picture is put into the page once and shown wherever its frame is."""

    def __init__(self, facts: Facts, wanted: bool) -> None:
        self.facts, self.wanted = facts, wanted
        self.shown: set[int] = set()

    def figure(self, row: int, head: str, *, kept: bool) -> Markup:
        """One frame with what it is called."""
        self.shown.add(row)
        return tag(
            "figure",
            tag("span", ("\u25cf " if kept else "\u2715 ") + head, class_="state kept" if kept else "state removed"),
            self._picture(row),
            tag("figcaption", foreign(place_of(self.facts, row))),
        )

    def pair(self, row: int, stand_in: int, about: Child) -> Markup:
        """A removed frame beside the kept one that stands for it, and what is to be said of both."""
        beside = (
            tag(
                "figure",
                tag("span", "\u2013 nothing kept", class_="state"),
                tag("div", "no kept frame stands for it", class_="none"),
            )
            if stand_in < 0
            else self.figure(stand_in, "kept, stands for it", kept=True)
        )
        return tag(
            "div", tag("div", self.figure(row, "removed", kept=False), beside, class_="two"), about, class_="pair"
        )

    def _picture(self, row: int) -> Markup:
        if not self.wanted:
            return tag("div", "picture left out", class_="none")
        uri = data_uri(self.facts.workspace, str(self.facts.frames["sha256"].iat[row]))
        if uri is None:
            return tag("div", "picture not available", class_="none")
        return tag("img", src=uri, alt=place_of(self.facts, row))
