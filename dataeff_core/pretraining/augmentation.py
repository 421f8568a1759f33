"""What may be changed in a frame before a network sees it: declared fields, each with the reason for it.

The defaults are of the mildest method; a method declares another default by `crop: Crop = 0.2`.
"""

from typing import Annotated, Any

from pydantic import BaseModel, Field


def _about(unit: str = "", step: float = 0.05) -> dict[str, Any]:
    return {"section": "augmentation", "unit": unit, "step": step}


Crop = Annotated[
    float,
    Field(
        gt=0,
        le=1,
        title="Smallest crop",
        description="each view shows a random part of the frame, of at least this share of its area, so that a "
        "finding is known near and far and wherever it lies; 1: always the whole frame",
        json_schema_extra=_about("share of the frame"),
    ),
]
Stretch = Annotated[
    float,
    Field(
        ge=1,
        le=2,
        title="Stretch",
        description="a crop is up to so many times wider than high, or higher than wide, because sensors differ in "
        "shape and frames are squashed to squares; works with a crop only; 1: never",
        json_schema_extra=_about("ratio of the sides"),
    ),
]
Flip = Annotated[
    bool,
    Field(
        title="Mirror",
        description="left-right and up-down by chance: within the body an endoscope has no upright; switch it off "
        "where sides matter, as in chest radiographs",
        json_schema_extra=_about(),
    ),
]
Rotate = Annotated[
    bool,
    Field(
        title="Turn",
        description="by 0, 90, 180 or 270 degrees by chance, as the endoscope is turned about its axis; no other "
        "angles, which would put empty corners into the view",
        json_schema_extra=_about(),
    ),
]
Brightness = Annotated[
    float,
    Field(
        ge=0,
        le=0.9,
        title="Brightness",
        description="lighter or darker by up to this share, as the lamp's distance does; mild, because pale or dark "
        "mucosa is a finding; 0: never",
        json_schema_extra=_about("share"),
    ),
]
Contrast = Annotated[
    float,
    Field(
        ge=0,
        le=0.9,
        title="Contrast",
        description="stronger or weaker about the frame's mean grey by up to this share, as processors and lens "
        "differ; 0: never",
        json_schema_extra=_about("share"),
    ),
]
Saturation = Annotated[
    float,
    Field(
        ge=0,
        le=0.9,
        title="Saturation",
        description="more or less colourful by up to this share, as cameras differ; never down to grey, because "
        "redness is a finding; 0: never",
        json_schema_extra=_about("share"),
    ),
]
Hue = Annotated[
    float,
    Field(
        ge=0,
        le=0.1,
        title="Hue",
        description="colours turned by up to this share of the colour circle; very mild (natural images take 0.1), "
        "because colour is diagnostic and white balance shifts it only little; 0: never",
        json_schema_extra=_about("turns of the colour circle", 0.005),
    ),
]
Blur = Annotated[
    float,
    Field(
        ge=0,
        le=0.05,
        title="Blur",
        description="softened by a Gaussian whose standard deviation is up to this share of the frame's side, as "
        "motion and focus do; mild, because vessels and pits are fine; 0: never",
        json_schema_extra=_about("share of the side", 0.001),
    ),
]


class Augmentation(BaseModel):
    """How much each view of a frame is changed. With all at their neutral value a view is the frame itself."""

    crop: Crop = 0.5
    stretch: Stretch = 1.33
    flip: Flip = True
    rotate: Rotate = False
    brightness: Brightness = 0.0
    contrast: Contrast = 0.0
    saturation: Saturation = 0.0
    hue: Hue = 0.0
    blur: Blur = 0.0

    @property
    def moves_pixels(self) -> bool:
        """Whether crop, mirror or turn is on."""
        return self.crop < 1 or self.flip or self.rotate

    @property
    def changes_colours(self) -> bool:
        """Whether brightness, contrast, saturation or hue is on."""
        return any((self.brightness, self.contrast, self.saturation, self.hue))
