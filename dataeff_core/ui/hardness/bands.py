"""The three bands that two margins make: what each is called, and how it is drawn."""

from dataclasses import dataclass

from dataeff_core.hardness.choosing import SUSPICIOUS, TOO_EASY, USEFUL


@dataclass(frozen=True)
class BandStyle:
    """One band's look: colours of Okabe and Ito's palette, and a pattern, so that nothing hangs on colour alone."""

    band: str
    title: str
    light: str  # colour on light ground
    dark: str  # colour on dark ground
    pattern: str  # of its fill: "/" stripes, "x" crossed stripes
    sentence: str

    def colour(self, dark: bool) -> str:
        return self.dark if dark else self.light


STYLES: dict[str, BandStyle] = {
    style.band: style
    for style in (
        BandStyle(
            TOO_EASY,
            "Too easy",
            "#6B6B6B",
            "#B5B5B5",
            "/",
            "Below the lower margin: the masked autoencoder draws these well already. From the hardest on.",
        ),
        BandStyle(
            USEFUL,
            "Useful",
            "#0072B2",
            "#56B4E9",
            "",
            "Between the margins. From the hardest on.",
        ),
        BandStyle(
            SUSPICIOUS,
            "Suspicious",
            "#B84A00",
            "#F28E3D",
            "x",
            "Above the upper margin: noise, glare and lettering end up here. From the easiest on.",
        ),
    )
}
