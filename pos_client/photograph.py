"""Photographs of cards as they really come: crooked, blurred, badly lit, squeezed by JPEG.

The demonstration shows its printed cards to the till through these, and the tests measure the decoder on them. One seed
makes one photograph, always the same on every machine.
"""

import io
import math
import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

FRAME_SIZES = ((640, 480), (1280, 720), (1600, 1200))
"""What the usual cameras give, in pixels: an old webcam, a webcam, a telephone's picture sent by mail."""

Pixels = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Conditions:
    """How one photograph was taken. Angles in degrees, lengths in pixels of the frame, light from 0 to 1."""

    seed: int
    frame: tuple[int, int]
    share: float
    """Side of the card as a share of the frame's shorter side."""
    turn: float
    """Rotation in the plane of the picture."""
    tilt: tuple[float, float]
    """Lean of the card away from the lens, around its vertical and its horizontal axis."""
    defocus: float
    """Radius of the Gaussian blur."""
    shake: float
    """Length of the hand's movement while the shutter was open."""
    shake_angle: float
    light: float
    """Brightness of the brightest paper."""
    falloff: float
    """How much darker the far side of the picture is, from 0 (even light) to 1 (black)."""
    falloff_angle: float
    glare: float
    """Strength of a lamp's reflection on the plastic of the card; 0 for none."""
    noise: float
    """Standard deviation of the sensor's noise, on a scale of 255."""
    jpeg_quality: int


def conditions(seed: int, severity: float = 1.0) -> Conditions:
    """Draw the conditions of photograph number `seed`.

    `severity` stretches every fault: 0 is a flat, sharp, evenly lit picture, 1 is what a hurried clerk takes.
    """
    draw = random.Random(seed)  # noqa: S311 - a reproducible picture, not a secret

    def up_to(most: float) -> float:
        # Squaring makes small faults common and large ones rare, as they are at a counter.
        return most * severity * draw.random() ** 2

    return Conditions(
        seed=seed,
        frame=draw.choice(FRAME_SIZES),
        share=0.85 - 0.62 * severity * draw.random(),
        turn=draw.uniform(-180, 180) * severity,
        tilt=(draw.uniform(-45, 45) * severity, draw.uniform(-45, 45) * severity),
        defocus=up_to(3.2),
        shake=up_to(11),
        shake_angle=draw.uniform(0, 180),
        light=1 - up_to(0.88),
        falloff=up_to(0.9),
        falloff_angle=draw.uniform(0, 360),
        glare=up_to(1.6) if draw.random() < 0.4 else 0.0,
        noise=2 + up_to(30),
        jpeg_quality=round(92 - up_to(75)),
    )


def photograph(card: Image.Image, seed: int, severity: float = 1.0) -> Image.Image:
    """The photograph number `seed` of a card, as an RGB picture.

    Anything may be the card: the bare QR picture, or a whole printed card with its text.
    """
    return take(card, conditions(seed, severity))


def take(card: Image.Image, how: Conditions) -> Image.Image:
    """Photograph a card in the given conditions."""
    grain = np.random.default_rng(how.seed)
    scene = _lay_on_the_desk(card.convert("RGB"), how, grain)
    if how.defocus > 0:
        scene = scene.filter(ImageFilter.GaussianBlur(how.defocus))
    scene = _shake(scene, how.shake, how.shake_angle)
    pixels = _light(np.asarray(scene, dtype=np.float32), how, grain)
    pixels += how.noise * grain.standard_normal(pixels.shape, dtype=np.float32)
    return _through_jpeg(Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)), how.jpeg_quality)


def _lay_on_the_desk(card: Image.Image, how: Conditions, grain: np.random.Generator) -> Image.Image:
    """The card seen in perspective, on a desk whose surface is not quite even."""
    width, height = how.frame
    specks = grain.normal(0, 14, (height // 4, width // 4, 1)) + np.array([150.0, 128.0, 104.0])
    desk = Image.fromarray(np.clip(specks, 0, 255).astype(np.uint8)).resize(how.frame, Image.Resampling.BICUBIC)

    longest = how.share * min(how.frame)
    scale = longest / max(card.size)
    # Pillow's perspective transform does not average pixels: shrink first, or thin modules alias away.
    shown = card.resize(
        (max(1, round(card.width * scale)), max(1, round(card.height * scale))), Image.Resampling.LANCZOS
    )
    corners = _corners_in_the_frame(shown.size, how)
    coefficients = _perspective(corners, shown.size)
    seen = shown.transform(how.frame, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC)
    mask = Image.new("L", shown.size, 255).transform(
        how.frame, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BILINEAR
    )
    desk.paste(seen, (0, 0), mask)
    return desk


def _corners_in_the_frame(size: tuple[int, int], how: Conditions) -> list[tuple[float, float]]:
    """Where the lens sees the card's corners, from the top left one clockwise."""
    yaw, pitch = (math.radians(angle) for angle in how.tilt)
    turn = math.radians(how.turn)
    distance = 2.2 * max(size)
    corners = []
    for side_x, side_y in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        x, y = side_x * size[0] / 2, side_y * size[1] / 2
        x, y = x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)
        x, depth = x * math.cos(yaw), x * math.sin(yaw)
        y, depth = y * math.cos(pitch) - depth * math.sin(pitch), y * math.sin(pitch) + depth * math.cos(pitch)
        nearer = distance / (distance + depth)
        corners.append((how.frame[0] / 2 + x * nearer, how.frame[1] / 2 + y * nearer))
    return corners


def _perspective(corners: list[tuple[float, float]], size: tuple[int, int]) -> tuple[float, ...]:
    """The eight numbers with which Pillow finds, for a place in the frame, the place on the card."""
    width, height = size
    rows, targets = [], []
    for (x, y), (u, v) in zip(corners, ((0, 0), (width, 0), (width, height), (0, height)), strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
        targets += [u, v]
    return tuple(np.linalg.solve(np.array(rows), np.array(targets)).tolist())


def _shake(scene: Image.Image, length: float, angle: float) -> Image.Image:
    """Average the scene along the line that the hand followed."""
    steps = math.ceil(length)
    if steps < 2:
        return scene
    total = np.zeros((scene.height, scene.width, 3), dtype=np.uint16)
    for step in range(steps):
        along = step - (steps - 1) / 2
        shift = (round(along * math.cos(math.radians(angle))), round(along * math.sin(math.radians(angle))))
        total += np.asarray(ImageChops.offset(scene, *shift))
    return Image.fromarray((total // steps).astype(np.uint8))


def _light(pixels: Pixels, how: Conditions, grain: np.random.Generator) -> Pixels:
    """Light the scene: darker on one side, a lamp's reflection, too little of it on the whole."""
    height, width, _ = pixels.shape
    right = np.arange(width, dtype=np.float32) - width / 2
    down = np.arange(height, dtype=np.float32)[:, None] - height / 2
    direction = math.radians(how.falloff_angle)
    across = (right * math.cos(direction) + down * math.sin(direction)) / max(width, height)
    lit: Pixels = pixels * (how.light * (1 - how.falloff * (across + 0.5)))[..., None]
    if how.glare > 0:
        reach = how.share * min(how.frame) / 2
        lamp_right, lamp_down = grain.uniform(-reach, reach, 2).tolist()
        spread = reach * grain.uniform(0.15, 0.6)
        distance = (right - lamp_right) ** 2 + (down - lamp_down) ** 2
        lit += 255 * how.glare * np.exp(-distance / (2 * spread**2))[..., None]
    return lit


def _through_jpeg(scene: Image.Image, quality: int) -> Image.Image:
    squeezed = io.BytesIO()
    scene.save(squeezed, "JPEG", quality=quality)
    squeezed.seek(0)
    with Image.open(squeezed) as taken:
        return taken.convert("RGB")
