"""Draws one street scene with CamVid's classes: a picture and its labels, from a random generator.

Coordinates are shares of the picture (x to the right, y down, both 0..1), so that a scene can be
drawn at any size. Classes share colours on purpose (grey road, pavement, poles and walls; dark
cars and people), so that a network has to learn shape and place as well.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from searchctl.trainer.data.sets.base import Image, Label
from searchctl.trainer.data.sets.street_classes import CLASS_NAMES, VOID

_ID = {name: class_id for class_id, name in enumerate(CLASS_NAMES)}
_Points = list[tuple[float, float]]
_Shade = tuple[float, float, float]

_WALLS = ((130, 100, 85), (125, 122, 118), (95, 85, 90))
_PAINTS = ((150, 30, 30), (40, 50, 110), (160, 160, 165), (40, 40, 42))
_BOARDS = ((180, 40, 40), (40, 80, 160), (200, 190, 90))


def draw_street(rng: np.random.Generator, height: int, width: int) -> tuple[Image, Label]:
    """Draw a scene: sky, houses, trees, road and pavement in all, the rarer things in some.

    Args:
        rng: where all chance comes from; the same state gives the same scene.
        height: in pixels.
        width: in pixels.
    """
    canvas = _Canvas(rng, height, width)
    horizon = rng.uniform(0.35, 0.5)
    vanishing = rng.uniform(0.35, 0.65)
    _draw_sky(canvas)
    _draw_buildings(canvas, horizon)
    _draw_trees(canvas, horizon)
    _draw_ground(canvas, horizon, vanishing)
    canvas.blur_borders_into_void()
    _draw_fence(canvas, horizon)
    _draw_cars(canvas, horizon, vanishing)
    _draw_people(canvas, horizon)
    _draw_bicyclists(canvas, horizon)
    _draw_poles(canvas, horizon)
    return _lit(rng, canvas.image), canvas.label


class _Canvas:
    """A picture and its labels, on which every shape is drawn together."""

    def __init__(self, rng: np.random.Generator, height: int, width: int) -> None:
        self.rng = rng
        self.image = np.zeros((height, width, 3), dtype=np.uint8)
        self.label = np.full((height, width), VOID, dtype=np.uint8)
        self._scale = (width - 1, height - 1)

    def polygon(self, name: str, shade: _Shade, points: _Points) -> None:
        corners = np.array([self._pixel(x, y) for x, y in points], dtype=np.int32)
        cv2.fillPoly(self.image, [corners], shade)
        cv2.fillPoly(self.label, [corners], _ID[name])

    def box(self, name: str, shade: _Shade, x: float, y: float, wide: float, high: float) -> None:
        """Draw a rectangle by its left, top, width and height."""
        corners = self._pixel(x, y), self._pixel(x + wide, y + high)
        cv2.rectangle(self.image, *corners, shade, cv2.FILLED)
        cv2.rectangle(self.label, *corners, _ID[name], cv2.FILLED)

    def ellipse(
        self, name: str, shade: _Shade, x: float, y: float, wide: float, high: float
    ) -> None:
        """Draw an ellipse by its centre and half axes."""
        shape = self._pixel(x, y), self._pixel(wide, high), 0, 0, 360
        cv2.ellipse(self.image, *shape, shade, cv2.FILLED)
        cv2.ellipse(self.label, *shape, _ID[name], cv2.FILLED)

    def shade(self, red: float, green: float, blue: float, spread: float = 20) -> _Shade:
        """Return a colour near to the given one."""
        far = self.rng.standard_normal(3).tolist()
        near = [base + spread * step for base, step in zip((red, green, blue), far, strict=True)]
        return min(max(near[0], 0), 255), min(max(near[1], 0), 255), min(max(near[2], 0), 255)

    def one_of(self, shades: Sequence[_Shade]) -> _Shade:
        """Return a colour near to one of these."""
        return self.shade(*shades[int(self.rng.integers(len(shades)))])

    def _pixel(self, x: float, y: float) -> tuple[int, int]:
        return round(x * self._scale[0]), round(y * self._scale[1])

    def blur_borders_into_void(self) -> None:
        """Leave some of what lies along the borders of classes without a label, as people do."""
        border = np.zeros(self.label.shape, dtype=bool)
        border[:, 1:] |= self.label[:, 1:] != self.label[:, :-1]
        border[1:] |= self.label[1:] != self.label[:-1]
        self.label[border & (self.rng.random(border.shape) < 0.6)] = VOID


def _draw_sky(canvas: _Canvas) -> None:
    height = len(canvas.image)
    top = np.array(canvas.shade(130, 160, 200, spread=30))
    fade = np.linspace(0, canvas.rng.uniform(10, 60), height)
    canvas.image[:] = np.clip(top + fade[:, None, None], 0, 255).astype(np.uint8)
    canvas.label[:] = _ID["Sky"]


def _draw_buildings(canvas: _Canvas, horizon: float) -> None:
    rng = canvas.rng
    x = -0.1
    while x < 1:
        wide = rng.uniform(0.12, 0.3)
        away = abs(x + wide / 2 - 0.5)  # houses at the sides are nearer, so higher
        top = horizon - rng.uniform(0.02, 0.2) - 0.6 * away * rng.uniform(0.3, 1)
        wall = canvas.one_of(_WALLS)
        if rng.random() < 0.8:
            canvas.box("Building", wall, x, top, wide, horizon - top + 0.08)
            _draw_windows(canvas, x, top, wide, horizon)
        x += wide * rng.uniform(0.9, 1.2)


def _draw_windows(canvas: _Canvas, x: float, top: float, wide: float, bottom: float) -> None:
    pane = canvas.shade(70, 80, 95)
    for left in np.arange(x + 0.02, x + wide - 0.03, 0.06):
        for y in np.arange(top + 0.03, bottom - 0.05, 0.1):
            canvas.box("Building", pane, left, y, 0.025, 0.05)


def _draw_trees(canvas: _Canvas, horizon: float) -> None:
    rng = canvas.rng
    for _ in range(rng.integers(1, 5)):
        x, size = rng.uniform(0, 1), rng.uniform(0.06, 0.16)
        y = horizon - size * rng.uniform(0.4, 1.2)
        canvas.box("Tree", canvas.shade(75, 60, 50), x - 0.01, y, 0.02, horizon - y + 0.06)
        for _ in range(5):
            leaves = canvas.shade(70, 95, 55)
            dx, dy = rng.normal(0, size / 2, 2)
            canvas.ellipse("Tree", leaves, x + dx, y + dy, size * 0.6, size * 0.6)


def _draw_ground(canvas: _Canvas, horizon: float, vanishing: float) -> None:
    rng = canvas.rng
    grey = rng.uniform(85, 125)
    paving = canvas.shade(grey + 25, grey + 22, grey + 18, spread=10)
    asphalt = canvas.shade(grey, grey, grey + 4, spread=8)
    left, right = rng.uniform(-0.3, 0.1), rng.uniform(0.9, 1.3)
    top = horizon + 0.02
    canvas.box("Pavement", paving, -0.1, top, 1.2, 1.2)
    far_left, far_right = (vanishing - 0.04, top), (vanishing + 0.04, top)
    canvas.polygon("Road", asphalt, [far_left, far_right, (right, 1), (left, 1)])
    middle = (left + right) / 2
    for near, far in ((1.0, 0.8), (0.7, 0.55), (0.45, 0.35)):
        ends = [(near, -1), (near, 1), (far, 1), (far, -1)]
        line = [
            (vanishing + t * (middle - vanishing + side * 0.012), top + t * (1 - top))
            for t, side in ends
        ]
        canvas.polygon("Road", canvas.shade(190, 190, 185), line)


def _draw_fence(canvas: _Canvas, horizon: float) -> None:
    rng = canvas.rng
    if rng.random() < 0.55:
        return
    start, length = -0.05 + rng.integers(2) * 0.7, rng.uniform(0.2, 0.4)
    top, high = horizon - rng.uniform(0.0, 0.04), rng.uniform(0.08, 0.12)
    rails = canvas.shade(105, 100, 92)
    canvas.box("Fence", rails, start, top, length, high)
    for x in np.arange(start, start + length, 0.025):
        canvas.box("Fence", canvas.shade(60, 58, 55), x, top, 0.006, high)


def _draw_cars(canvas: _Canvas, horizon: float, vanishing: float) -> None:
    rng = canvas.rng
    nearness = np.sort(rng.uniform(0.08, 0.75, rng.integers(0, 4)))  # the farthest first
    for near in nearness:
        side = 2 * rng.integers(2) - 1
        x = vanishing + side * near * rng.uniform(0.3, 0.6)
        y, wide, high = horizon + 0.5 * near, 0.04 + 0.3 * near, 0.04 + 0.16 * near
        paint = canvas.one_of(_PAINTS)
        glass = canvas.shade(55, 65, 75)
        canvas.box("Car", glass, x - wide * 0.36, y - high * 0.55, wide * 0.72, high * 0.6)
        canvas.box("Car", paint, x - wide / 2, y, wide, high * 0.7)
        for wheel in (-0.3, 0.3):
            at = x + wheel * wide
            canvas.ellipse("Car", (25, 25, 25), at, y + high * 0.7, wide * 0.1, high * 0.2)


def _draw_people(canvas: _Canvas, horizon: float) -> None:
    rng = canvas.rng
    if rng.random() < 0.4:
        return
    for _ in range(rng.integers(1, 4)):
        near = rng.uniform(0.1, 0.5)
        x = rng.uniform(0.02, 0.25) + rng.integers(2) * 0.73
        _draw_body(canvas, "Pedestrian", x, horizon + 0.45 * near, 0.1 + 0.3 * near)


def _draw_body(canvas: _Canvas, name: str, x: float, top: float, high: float) -> None:
    coat, legs = canvas.shade(80, 60, 60, spread=40), canvas.shade(50, 50, 65)
    canvas.box(name, coat, x - high * 0.11, top + high * 0.2, high * 0.22, high * 0.4)
    canvas.box(name, legs, x - high * 0.08, top + high * 0.6, high * 0.16, high * 0.4)
    canvas.ellipse(name, canvas.shade(190, 150, 130), x, top + high * 0.1, 0.09 * high, 0.11 * high)


def _draw_bicyclists(canvas: _Canvas, horizon: float) -> None:
    rng = canvas.rng
    if rng.random() < 0.6:
        return
    near = rng.uniform(0.2, 0.6)
    x, top, high = rng.uniform(0.2, 0.8), horizon + 0.3 * near, 0.12 + 0.3 * near
    for wheel in (-0.22, 0.22):
        at = x + wheel * high
        canvas.ellipse("Bicyclist", (35, 35, 38), at, top + high * 0.85, high * 0.17, high * 0.2)
    _draw_body(canvas, "Bicyclist", x, top, high * 0.85)


def _draw_poles(canvas: _Canvas, horizon: float) -> None:
    rng = canvas.rng
    if rng.random() < 0.15:
        return
    for _ in range(rng.integers(1, 4)):
        x, near = rng.uniform(0, 1), rng.uniform(0.1, 0.5)
        top, bottom = horizon - 0.1 - 0.5 * near, horizon + 0.05 + 0.4 * near
        wide = 0.008 + 0.025 * near
        canvas.box("Pole", canvas.shade(110, 110, 112), x, top, wide, bottom - top)
        if rng.random() < 0.35:
            board = canvas.one_of(_BOARDS)
            size = 0.03 + 0.08 * near
            canvas.ellipse("SignSymbol", board, x + wide / 2, top + size, size * 0.8, size)


def _lit(rng: np.random.Generator, image: Image) -> Image:
    """Change light, tint and sharpness of the whole picture, and add texture and noise."""
    height, width = image.shape[:2]
    left, right = rng.uniform(0.65, 1.2, 2).tolist()
    across = np.linspace(left, right, width, dtype=np.float32)
    tint = rng.uniform(0.88, 1.12, 3).astype(np.float32)
    coarse = rng.standard_normal((height // 6 + 1, width // 6 + 1), dtype=np.float32) * 9
    texture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    texture += rng.standard_normal((height, width), dtype=np.float32) * 14
    light = image * (across[:, None] * tint) + texture[..., None]
    if rng.random() < 0.5:
        light = cv2.GaussianBlur(light, (3, 3), 0)
    lit: Image = np.clip(light, 0, 255).astype(np.uint8)
    return lit
