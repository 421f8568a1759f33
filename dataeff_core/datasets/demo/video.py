"""One demo video: its scene and path are drawn from (seed, number), then every frame is rendered and encoded."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from .camera import Path as CameraPath
from .camera import make_path, view_groups
from .faults import WHOLE_FRAME, Stretch, apply_fault, plan_faults, text_screen
from .geometry import FARTHEST, make_tube
from .instruments import Instrument, draw_instrument, plan_instruments
from .polyps import place_polyps
from .rendering import Lens, Scene, finish, make_lens, render
from .tissue import PALETTE, make_tissue

FRAMES_PER_SECOND = 10
SMALLEST_POLYP = 0.0025  # share of the frame below which a polyp does not count as visible
LENSES = ("octagon", "round", "octagon", "cut")
CODECS = (("libx264", {"crf": "16", "preset": "veryfast"}), ("mpeg4", {"qscale": "2"}))


@dataclass(frozen=True)
class VideoPlan:
    """What one worker needs to draw one video; picklable."""

    folder: Path
    name: str
    number: int
    frames: int
    size: int
    seed: int


@dataclass(frozen=True)
class Footage:
    """A video's scene and everything planned for it, before any frame is drawn."""

    plan: VideoPlan
    scene: Scene
    lens: Lens
    path: CameraPath
    instruments: list[Instrument | None]
    faults: dict[int, Stretch]


@dataclass(frozen=True)
class Frame:
    """image: (h, w, 3) uint8; mask: (h, w) uint8, 0 or 255; polyps: names of those the mask holds."""

    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    polyps: tuple[str, ...]


def render_video(plan: VideoPlan, stop_asked: Callable[[], bool] | None = None) -> list[dict[str, Any]]:
    """Write the video and its masks into plan.folder; returns the truth, a row a frame.

    stop_asked is looked at before each frame; when it says so, the rows so far are returned.
    """
    footage = stage(plan)
    frames: list[Frame] = []
    with av.open(str(plan.folder / "videos" / f"{plan.name}.mp4"), "w", options={"fflags": "+bitexact"}) as container:
        stream = _stream(container, plan.size)
        for index in range(plan.frames):
            if stop_asked is not None and stop_asked():
                break
            frame = draw_frame(footage, index)
            picture = av.VideoFrame.from_ndarray(frame.image, format="rgb24")
            picture.pts, picture.time_base = index, Fraction(1, FRAMES_PER_SECOND)
            container.mux(stream.encode(picture))
            Image.fromarray(frame.mask).save(plan.folder / "masks" / mask_name(plan.name, index), compress_level=1)
            frames.append(frame)
        container.mux(stream.encode())
    return _truth(footage, [frame.polyps for frame in frames])


def mask_name(video: str, frame: int) -> str:
    """File name of a frame's mask: the video's stem, then the frame's index in six digits."""
    return f"{video}_{frame:06d}.png"


def stage(plan: VideoPlan) -> Footage:
    """Draw the scene, the path and the faults of a video from its seed and number."""
    streams = [np.random.default_rng(part) for part in np.random.SeedSequence([plan.seed, plan.number]).spawn(7)]
    path = make_path(plan.frames, streams[0])
    cells_per_unit = float(np.clip(plan.size / 2.4, 40, 240))  # a texel on a near wall is about a pixel
    length = float(path.depth.max()) + FARTHEST + 1.5
    tube, polyps = place_polyps(plan.name, make_tube(length, cells_per_unit / 2, streams[1]), path, streams[2])
    palette = (plan.number + int(np.random.default_rng(plan.seed).integers(len(PALETTE)))) % len(PALETTE)
    tissue = make_tissue(length, cells_per_unit, palette, streams[3])
    lens = make_lens(plan.size, LENSES[plan.number % len(LENSES)], streams[4])
    stretches = plan_faults(plan.frames, plan.number, streams[5])
    return Footage(
        plan=plan,
        scene=Scene(tube, tissue, polyps),
        lens=lens,
        path=path,
        instruments=plan_instruments(path, streams[6]),
        faults={index: part for part in stretches for index in range(part.first, part.last + 1)},
    )


def draw_frame(footage: Footage, index: int, *, with_fault: bool = True) -> Frame:
    """Draw one frame, whatever was drawn before. with_fault=False leaves out the fault planted there."""
    plan, scene, lens = footage.plan, footage.scene, footage.lens
    fault = footage.faults.get(index) if with_fault else None
    if fault is not None and fault.kind in WHOLE_FRAME:
        blank = np.zeros((plan.size, plan.size), dtype=np.uint8)
        black = fault.kind == "black"
        return Frame(np.dstack([blank] * 3) if black else text_screen(plan.size, fault), blank, ())
    view = render(scene, lens, footage.path.pose(index, scene.tube))
    image, hidden = view.image, np.zeros(lens.alpha.shape, dtype=np.float32)
    instrument = footage.instruments[index]
    if instrument is not None:
        image, hidden = draw_instrument(image, instrument)
    if fault is not None:
        image, cover = apply_fault(image, lens.alpha, fault, index)
        hidden = np.maximum(hidden, cover)
    rng = np.random.default_rng([plan.seed, plan.number, index])
    drawn = _overlay(finish(image, lens.alpha, 0.010, rng), plan, index)
    mask, names = _mask(view.polyp, (lens.alpha > 0.5) & (hidden < 0.5), [polyp.name for polyp in scene.polyps])
    return Frame(drawn, mask, names)


def _mask(labels: NDArray[np.int16], open_view: NDArray[np.bool_], names: list[str]) -> tuple:
    mask, seen = np.zeros(labels.shape, dtype=np.uint8), []
    for number, name in enumerate(names):
        pixels = (labels == number) & open_view
        if pixels.sum() >= max(4, SMALLEST_POLYP * pixels.size):
            mask[pixels] = 255
            seen.append(name)
    return mask, tuple(seen)


def _overlay(image: NDArray[np.uint8], plan: VideoPlan, index: int) -> NDArray[np.uint8]:
    """Small text in the black corner, as processors burn in; no names, no dates."""
    if plan.number % 3 == 2:
        return image
    canvas = Image.fromarray(image)
    font = ImageFont.load_default(size=max(7, plan.size // 34))
    clock = index / FRAMES_PER_SECOND
    text = f"DEMO {plan.number + 1}\n{int(clock // 60):02d}:{clock % 60:04.1f}"
    ImageDraw.Draw(canvas).text((plan.size * 0.012, plan.size * 0.012), text, fill=(190, 190, 190), font=font)
    return np.asarray(canvas)


def _stream(container: Any, size: int) -> Any:
    """A video stream of the best codec this build of FFmpeg has; one thread, so that it comes out the same."""
    codec, options = next(pair for pair in CODECS if pair[0] in av.codecs_available)
    stream = container.add_stream(codec, rate=FRAMES_PER_SECOND, options=dict(options))
    stream.width = stream.height = size
    stream.pix_fmt = "yuv420p"
    stream.codec_context.thread_count = 1
    stream.codec_context.gop_size = FRAMES_PER_SECOND
    return stream


def _truth(footage: Footage, polyps: list[tuple[str, ...]]) -> list[dict[str, Any]]:
    plan, instruments = footage.plan, footage.instruments
    poses = [footage.path.pose(index, footage.scene.tube) for index in range(len(polyps))]
    tips = np.full((len(polyps), 2), np.nan)
    content: list[tuple] = []
    for index, instrument in enumerate(instruments[: len(polyps)]):
        if instrument is not None:
            tips[index] = instrument.tip
        content.append(() if index in footage.faults else (instrument is not None,))
    groups = view_groups(poses, content, tips)
    return [
        {
            "video": plan.name,
            "frame_index": index,
            "time_s": index / FRAMES_PER_SECOND,
            "fault": footage.faults[index].kind if index in footage.faults else "",
            "near_duplicate_group": f"{plan.name}_view_{groups[index]:04d}" if groups[index] >= 0 else "",
            "polyps": ";".join(shown),
            "instrument": instruments[index] is not None and not _hides_all(footage, index),
            "mask": f"masks/{mask_name(plan.name, index)}",
        }
        for index, shown in enumerate(polyps)
    ]


def _hides_all(footage: Footage, index: int) -> bool:
    return index in footage.faults and footage.faults[index].kind in WHOLE_FRAME
