"""Airplane, automobile, ship and truck. Seen from the side they head to the right."""

import numpy as np

from byom.data.drawings.pen import BLACK, WHITE, Ink, Pen, ink, shaded


def _paint(rng: np.random.Generator) -> Ink:
    """A colour that vehicles have: any, or white, grey, black."""
    if rng.random() < 0.4:
        return ink(0, 0, rng.uniform(0.15, 0.95))
    return ink(rng.random(), rng.uniform(0.5, 0.95), rng.uniform(0.4, 0.95))


def _glass(rng: np.random.Generator) -> Ink:
    return ink(0.57, rng.uniform(0.1, 0.5), rng.uniform(0.25, 0.8))


def _wheel(pen: Pen, x: float, y: float, radius: float) -> None:
    pen.ellipse(BLACK, (x, y), radius, radius)
    pen.ellipse((150, 150, 152), (x, y), radius * 0.45, radius * 0.45)


def airplane(pen: Pen, rng: np.random.Generator) -> None:
    """From the side or from below; an airliner or a propeller plane."""
    body = ink(rng.random(), rng.uniform(0, 0.35), rng.uniform(0.55, 0.97)) if rng.random() < 0.7 else _paint(rng)
    wing, accent = shaded(body, rng.uniform(0.55, 0.85)), _paint(rng)
    if rng.random() < 0.5:
        _airplane_from_below(pen, rng, body, wing, accent)
        return
    sweep = rng.uniform(0.15, 0.55)
    fat = rng.uniform(0.11, 0.17)
    pen.polygon(wing, (0.05, -0.02), (0.3, -0.02), (0.1 - sweep, -0.4), (-0.05 - sweep, -0.4))  # the far wing
    pen.polygon(accent, (-0.95, -0.05), (-0.62, -0.05), (-0.8, -0.52), (-1.0, -0.52))  # the fin
    pen.ellipse(body, (0, 0), 0.95, fat)
    pen.polygon(body, (-1, -0.06), (-0.5, -fat * 0.8), (-0.5, fat * 0.8))
    pen.polygon(wing, (-0.98, -0.02), (-0.7, 0), (-0.85, 0.14), (-1.05, 0.14))
    pen.polygon(_glass(rng), (0.72, -fat * 0.75), (0.86, -fat * 0.35), (0.7, -fat * 0.2))
    if rng.random() < 0.7:
        pen.stroke(BLACK, 0.04, (-0.5, -0.04), (0.6, -0.04))
    pen.polygon(wing, (0.0, 0.04), (0.32, 0.04), (0.05 - sweep, 0.5), (-0.15 - sweep, 0.5))  # the near wing
    pen.ellipse(shaded(wing, 0.7), (0.1 - sweep / 2, 0.28), 0.15, 0.07)


def _airplane_from_below(pen: Pen, rng: np.random.Generator, body: Ink, wing: Ink, accent: Ink) -> None:
    sweep, chord, span = rng.uniform(0, 0.5), rng.uniform(0.16, 0.26), rng.uniform(0.75, 1.0)
    for side in (-1, 1):
        tip = 0.2 - sweep
        pen.polygon(
            wing, (0.2 + chord, 0), (0.2 - chord, 0), (tip - chord * 0.6, side * span), (tip + 0.05, side * span)
        )
        pen.polygon(accent, (-0.7, 0), (-0.92, 0), (-0.98, side * 0.35), (-0.85, side * 0.35))
        pen.ellipse(shaded(wing, 0.6), (0.3 - sweep * 0.4, side * span * 0.42), 0.12, 0.06)
    pen.ellipse(body, (0, 0), 0.98, rng.uniform(0.09, 0.14))


def automobile(pen: Pen, rng: np.random.Generator) -> None:
    """From the side (with or without a boot), or from the front."""
    body, glass = _paint(rng), _glass(rng)
    if rng.random() < 0.25:
        pen.polygon(BLACK, (-0.75, 0.4), (-0.45, 0.4), (-0.45, 0.72), (-0.75, 0.72))
        pen.polygon(BLACK, (0.75, 0.4), (0.45, 0.4), (0.45, 0.72), (0.75, 0.72))
        pen.polygon(body, (-0.55, -0.1), (-0.42, -0.55), (0.42, -0.55), (0.55, -0.1))
        pen.polygon(glass, (-0.46, -0.1), (-0.36, -0.48), (0.36, -0.48), (0.46, -0.1))
        pen.polygon(body, (-0.8, 0.5), (-0.82, 0.1), (-0.6, -0.12), (0.6, -0.12), (0.82, 0.1), (0.8, 0.5))
        pen.polygon(shaded(body, 0.4), (-0.35, 0.15), (0.35, 0.15), (0.3, 0.4), (-0.3, 0.4))
        for x in (-0.6, 0.6):
            pen.ellipse((250, 245, 200), (x, 0.16), 0.14, 0.1)
        return
    front, rear = rng.uniform(0.2, 0.4), rng.uniform(-0.85, -0.45)
    roof = rng.uniform(-0.5, -0.36)
    pen.polygon(body, (rear - 0.05, -0.02), (rear + 0.2, roof), (front - 0.2, roof), (front + 0.15, -0.02))
    pen.polygon(glass, (rear + 0.1, -0.04), (rear + 0.26, roof + 0.08), (-0.2, roof + 0.08), (-0.2, -0.04))
    pen.polygon(glass, (-0.12, -0.04), (-0.12, roof + 0.08), (front - 0.24, roof + 0.08), (front + 0.03, -0.04))
    pen.polygon(
        body, (-0.98, 0.3), (-0.97, 0.02), (-0.85, -0.06), (front, -0.06), (0.85, 0.04), (0.99, 0.15), (0.97, 0.3)
    )
    pen.stroke(shaded(body, 0.6), 0.05, (-0.95, 0.24), (0.95, 0.24))
    pen.ellipse((250, 240, 180), (0.9, 0.1), 0.07, 0.05)
    pen.ellipse((200, 30, 30), (-0.93, 0.06), 0.05, 0.05)
    radius = rng.uniform(0.17, 0.22)
    for x in (-0.58, 0.58):
        _wheel(pen, x, 0.32, radius)


def ship(pen: Pen, rng: np.random.Generator) -> None:
    """A steamer, a freighter or a sailing boat."""
    hull, kind = _paint(rng), rng.random()
    if kind < 0.35:
        sail = ink(rng.random(), rng.uniform(0, 0.3), rng.uniform(0.8, 1)) if rng.random() < 0.75 else _paint(rng)
        pen.stroke((90, 60, 40), 0.06, (0, 0.4), (0, -0.98))
        pen.polygon(sail, (-0.06, -0.95), (-0.06, 0.25), (-0.75, 0.25))
        pen.polygon(shaded(sail, 0.85), (0.06, -0.8), (0.06, 0.25), (0.62, 0.25))
        pen.polygon(hull, (-0.85, 0.38), (0.95, 0.32), (0.6, 0.72), (-0.65, 0.72))
        return
    pen.polygon(hull, (-0.95, 0.12), (1.0, 0.02), (0.78, 0.5), (-0.85, 0.5))
    pen.polygon(shaded(hull, 0.5), (-0.87, 0.4), (0.84, 0.4), (0.78, 0.52), (-0.85, 0.52))
    deck = WHITE if rng.random() < 0.6 else _paint(rng)
    if kind < 0.7:
        for level in range(int(rng.integers(1, 4))):
            left, right, low = -0.65 + 0.1 * level, 0.55 - 0.17 * level, 0.12 - 0.2 * level
            pen.polygon(deck, (left, low), (left, low - 0.22), (right, low - 0.22), (right, low))
            pen.stroke((60, 70, 90), 0.06, (left + 0.08, low - 0.11), (right - 0.08, low - 0.11))
            top = low - 0.22
        for x in (-0.35, -0.05)[: int(rng.integers(1, 3))]:
            pen.polygon(_paint(rng), (x, top), (x + 0.02, top - 0.32), (x + 0.2, top - 0.32), (x + 0.2, top))
        return
    pen.polygon(deck, (-0.85, 0.14), (-0.85, -0.5), (-0.5, -0.5), (-0.5, 0.14))
    pen.stroke(BLACK, 0.06, (-0.8, -0.38), (-0.55, -0.38))
    for x in np.arange(-0.42, 0.65, 0.21):
        height = rng.uniform(0.12, 0.4)
        pen.polygon(_paint(rng), (x, 0.1), (x, 0.1 - height), (x + 0.19, 0.1 - height), (x + 0.19, 0.1))


def truck(pen: Pen, rng: np.random.Generator) -> None:
    """A lorry with a box, a tank or a load, or a tipper; from the side, or from the front."""
    cab, load, glass = _paint(rng), _paint(rng), _glass(rng)
    if rng.random() < 0.2:
        pen.polygon(BLACK, (-0.68, 0.5), (-0.38, 0.5), (-0.38, 0.85), (-0.68, 0.85))
        pen.polygon(BLACK, (0.68, 0.5), (0.38, 0.5), (0.38, 0.85), (0.68, 0.85))
        pen.polygon(load, (-0.72, 0.3), (-0.72, -0.9), (0.72, -0.9), (0.72, 0.3))
        pen.polygon(cab, (-0.62, 0.65), (-0.62, -0.5), (0.62, -0.5), (0.62, 0.65))
        pen.polygon(glass, (-0.52, -0.02), (-0.52, -0.4), (0.52, -0.4), (0.52, -0.02))
        pen.polygon(shaded(cab, 0.4), (-0.35, 0.1), (0.35, 0.1), (0.35, 0.4), (-0.35, 0.4))
        for x in (-0.5, 0.5):
            pen.ellipse((250, 245, 200), (x, 0.48), 0.1, 0.08)
        return
    front = rng.uniform(0.4, 0.55)
    top = rng.uniform(-0.75, -0.5)
    pen.polygon((50, 50, 55), (-0.98, 0.3), (0.95, 0.3), (0.95, 0.42), (-0.98, 0.42))
    kind = rng.random()
    if kind < 0.55:
        pen.polygon(load, (-1, 0.32), (-1, top), (front - 0.08, top), (front - 0.08, 0.32))
        if rng.random() < 0.5:
            pen.stroke(_paint(rng), 0.12, (-0.95, (top + 0.3) / 2), (front - 0.13, (top + 0.3) / 2))
    elif kind < 0.75:
        pen.ellipse(load, ((front - 1.08) / 2, 0.0), 0.73, 0.32)
    else:
        pen.polygon(load, (-1, -0.2), (-0.9, 0.3), (front - 0.15, 0.3), (front - 0.08, -0.2))
        pen.polygon((120, 95, 60), (-0.95, -0.2), (-0.3, -0.5), (front - 0.15, -0.2))
    bonnet = 0.98 if rng.random() < 0.6 else 0.9
    pen.polygon(cab, (front, 0.36), (front, -0.38), (0.82, -0.38), (bonnet, 0.0), (bonnet, 0.36))
    pen.polygon(glass, (front + 0.12, -0.02), (front + 0.12, -0.28), (0.79, -0.28), (0.92, -0.02))
    radius = rng.uniform(0.15, 0.19)
    for x in (-0.78, -0.42, 0.7) if rng.random() < 0.7 else (-0.66, 0.7):
        _wheel(pen, x, 0.46, radius)
