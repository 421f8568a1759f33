"""An image to a network's input size, as timm's evaluation transform does it; Pillow and numpy only."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
    "hamming": Image.Resampling.HAMMING,
}


@dataclass(frozen=True)
class Preparation:
    """Resize and crop, with the settings a timm model was trained for (`timm.data.resolve_model_data_config`).

    crop_mode 'center' scales the shorter side to size / crop_pct and cuts out the middle; 'squash' scales both
    sides and cuts; 'border' scales the longer side and fills the rest with `fill`.
    """

    height: int  # pixels of the network's input
    width: int
    crop_pct: float = 1.0
    crop_mode: str = "center"
    interpolation: str = "bicubic"
    fill: tuple[int, int, int] = (0, 0, 0)

    def __call__(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """n images (h, w, 3) uint8 RGB of any size -> (n, height, width, 3) uint8."""
        out = np.empty((len(images), self.height, self.width, 3), np.uint8)
        for row, image in zip(out, images, strict=True):
            row[:] = self._one(image)
        return out

    def _one(self, image: np.ndarray) -> np.ndarray:
        picture = Image.fromarray(image)
        size = self._scaled(picture.width, picture.height)
        if picture.size != size:
            picture = picture.resize(size, INTERPOLATIONS[self.interpolation])
        left, top = round((size[0] - self.width) / 2.0), round((size[1] - self.height) / 2.0)
        if left < 0 or top < 0:
            canvas = Image.new("RGB", (max(size[0], self.width), max(size[1], self.height)), self.fill)
            canvas.paste(picture, (max(0, (self.width - size[0]) // 2), max(0, (self.height - size[1]) // 2)))
            picture, left, top = canvas, max(0, left), max(0, top)
        return np.asarray(picture.crop((left, top, left + self.width, top + self.height)))

    def _scaled(self, width: int, height: int) -> tuple[int, int]:
        """The size (w, h) an image is scaled to before cropping."""
        goal_h, goal_w = math.floor(self.height / self.crop_pct), math.floor(self.width / self.crop_pct)
        if self.crop_mode == "squash":
            return goal_w, goal_h
        if self.crop_mode == "border":
            scale = max(height / goal_h, width / goal_w)
            return max(1, round(width / scale)), max(1, round(height / scale))
        if goal_h != goal_w:
            scale = min(height / goal_h, width / goal_w)
            return max(1, round(width / scale)), max(1, round(height / scale))
        if width <= height:
            return goal_w, max(1, int(goal_h * height / width))
        return max(1, int(goal_w * width / height)), goal_h
