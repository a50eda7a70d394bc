"""Augmentation in NumPy, one sample at a time: the streams of numbers and every transform."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

MASK = 0xFFFFFFFF


def philox(counter: tuple[int, ...], key: tuple[int, int]) -> tuple[int, ...]:
    """One block of Philox4x32-10 (Salmon et al. 2011)."""
    a, b, c, d = counter
    k, m = key
    for _ in range(10):
        p, q = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (q >> 32) ^ b ^ k, q & MASK, (p >> 32) ^ d ^ m, p & MASK
        k, m = (k + 0x9E3779B9) & MASK, (m + 0xBB67AE85) & MASK
    return a, b, c, d


def halves(x: int) -> tuple[int, int]:
    return x & MASK, x >> 32


class Stream:
    """The numbers of a sample: a function of (seed, epoch, place, index)."""

    def __init__(self, seed: int, epoch: int, place: int, index: int) -> None:
        if epoch > MASK:  # the upper half makes another seed
            w = philox((epoch >> 32, 0, 0, MASK), halves(seed))
            seed = w[0] << 32 | w[1]
        w = philox((*halves(index), epoch & MASK, place | 0x80000000), halves(seed))
        self.seed, self.draw = w[0] << 32 | w[1], w[2] << 32 | w[3]
        self.drawn = 0

    def bits(self) -> int:
        i = self.drawn
        self.drawn += 1
        words = philox((*halves(i // 32 * 16 + i % 16), *halves(self.draw)), halves(self.seed))
        word = i % 32 // 16
        return words[word] << 32 | words[word + 2]

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        return low + (self.bits() >> 11) * 2.0**-53 * (high - low)

    def below(self, bound: int) -> int:
        return self.bits() * bound >> 64

    def normal(self) -> float:
        radius = math.sqrt(-2 * math.log(1 - self.uniform()))
        return radius * math.cos(2 * math.pi * self.uniform())

    def log_gamma(self, alpha: float) -> float:
        boost = math.log(1 - self.uniform()) / alpha if alpha < 1 else 0.0
        d = (alpha + 1 if alpha < 1 else alpha) - 1 / 3
        while True:
            z = self.normal()
            root = 1 + z / math.sqrt(9 * d)
            if root <= 0:
                continue
            v = root**3
            if math.log(1 - self.uniform()) < z * z / 2 + d - d * v + d * math.log(v):
                return boost + math.log(d * v)

    def beta(self, alpha: float) -> float:
        a, b = self.log_gamma(alpha), self.log_gamma(alpha)
        return 1 / (1 + math.exp(b - a))

    def normals(self, n: int, dtype: Any) -> np.ndarray:
        """A field of normal numbers: batches of 64 words, by Box and Muller."""
        batch = 64 if dtype == np.float32 else 32
        out = []
        for first in range(0, n, batch):
            counters = [first // batch * 16 + i for i in range(16)]
            blocks = [philox((*halves(c), *halves(self.draw)), halves(self.seed)) for c in counters]
            words = [blocks[i][w] for w in range(4) for i in range(16)]
            if dtype == np.float32:
                u = [(word >> 8) * 2.0**-24 for word in words]
            else:
                u = [((words[i] << 32 | words[32 + i]) >> 11) * 2.0**-53 for i in range(32)]
            half = batch // 2
            radius = np.sqrt(-2 * np.log(1 - np.array(u[:half])))
            angle = 2 * np.pi * np.array(u[half:])
            out += [*(radius * np.cos(angle)), *(radius * np.sin(angle))]
        return np.array(out[:n])


PAD = {"constant": "constant", "edge": "edge", "reflect": "reflect"}
PAD |= {"symmetric": "symmetric", "wrap": "wrap"}


def pad(x: np.ndarray, sides: tuple[int, int, int, int], mode: str, fill: float) -> np.ndarray:
    """x (C, H, W) with (left, top, right, bottom) pixels more."""
    left, top, right, bottom = sides
    widths = ((0, 0), (top, bottom), (left, right))
    more = {"constant_values": fill} if mode == "constant" else {}
    return np.pad(x, widths, PAD[mode], **more)


def crop(x, s, size, sides=(0, 0, 0, 0), mode="constant", fill=0.0):
    x = pad(x, sides, mode, fill)
    top, left = s.below(x.shape[1] - size[0] + 1), s.below(x.shape[2] - size[1] + 1)
    return x[:, top : top + size[0], left : left + size[1]]


def read(plane: np.ndarray, r: int, c: int, mode: str, fill: float) -> float:
    """Pixel (r, c) of a plane, which may lie outside."""
    h, w = plane.shape
    if 0 <= r < h and 0 <= c < w:
        return float(plane[r, c])
    if mode == "constant":
        return fill
    far = 3 * max(h, w)
    rows = np.pad(np.arange(h), far, PAD[mode])
    columns = np.pad(np.arange(w), far, PAD[mode])
    return float(plane[rows[r + far], columns[c + far]])


def span(s: Stream, pair: tuple[float, float]) -> float:
    return pair[0] if pair[0] == pair[1] else s.uniform(*pair)


def affine(x, s, degrees, move=(0, 0), scale=(1, 1), shear=(0, 0, 0, 0), *, bilinear, mode, fill):
    """The inverse of: centre, shear y after shear x, rotation clockwise, scale, move."""
    _, h, w = x.shape
    angle = math.radians(span(s, degrees))
    dx = np.rint(span(s, (-move[0], move[0])) * w)
    dy = np.rint(span(s, (-move[1], move[1])) * h)
    factor = span(s, scale)
    tx, ty = (math.tan(math.radians(span(s, shear[k : k + 2]))) for k in (0, 2))
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    forward = factor * turn @ np.array([[1, 0], [-ty, 1]]) @ np.array([[1, -tx], [0, 1]])
    back = np.linalg.inv(forward)
    centre = np.array([(w - 1) / 2, (h - 1) / 2])
    out = np.empty_like(x)
    for i, j in np.ndindex(h, w):
        c, r = back @ (np.array([j, i]) - centre - [dx, dy]) + centre
        for k, plane in enumerate(x):
            if not bilinear:
                r0, c0 = math.floor(r + 0.5), math.floor(c + 0.5)
                out[k, i, j] = read(plane, r0, c0, mode, fill)
                continue
            r0, c0 = math.floor(r), math.floor(c)
            u, v = r - r0, c - c0
            taps = [(a, b) for a in (0, 1) for b in (0, 1)]
            value = sum(
                (u if a else 1 - u) * (v if b else 1 - v) * read(plane, r0 + a, c0 + b, mode, fill)
                for a, b in taps
            )
            out[k, i, j] = np.rint(value) if x.dtype == np.uint8 else value
    return out


def grey(x: np.ndarray) -> np.ndarray:
    return x[0] if len(x) == 1 else 0.2989 * x[0] + 0.587 * x[1] + 0.114 * x[2]


def color(x, s, brightness=(1, 1), contrast=(1, 1), saturation=(1, 1)):
    pairs = (brightness, contrast, saturation)
    factors = [s.uniform(*pair) for pair in pairs]
    orders = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    white = 255 if x.dtype == np.uint8 else 1
    for which in orders[s.below(6)]:
        if pairs[which] == (1, 1) or (which == 2 and len(x) == 1):
            continue
        wide = x.astype(np.float64)
        other = [0.0, grey(wide).mean(), grey(wide)][which]
        mixed = np.clip(factors[which] * wide + (1 - factors[which]) * other, 0, white)
        x = (np.rint(mixed) if white == 255 else mixed).astype(x.dtype)
    return x


def erase(x, s, p, scale, ratio, value):
    x = x.copy()
    _, h, w = x.shape
    if s.uniform() >= p:
        return x
    for _ in range(10):
        area = h * w * s.uniform(*scale)
        form = math.exp(s.uniform(math.log(ratio[0]), math.log(ratio[1])))
        rows, columns = np.rint(math.sqrt(area * form)), np.rint(math.sqrt(area / form))
        if rows < h and columns < w:
            top, left = s.below(h - int(rows) + 1), s.below(w - int(columns) + 1)
            x[:, top : top + int(rows), left : left + int(columns)] = value
            break
    return x


def cutout(x, s, size, value):
    x = x.copy()
    top, left = (s.below(n) - side // 2 for n, side in zip(x.shape[1:], size, strict=True))
    x[:, max(top, 0) : top + size[0], max(left, 0) : left + size[1]] = value
    return x


def time_warp(x, s, sigma, knots):
    _, t, _ = x.shape
    reached = np.concatenate(
        [[0], np.cumsum([math.exp(sigma * s.normal()) for _ in range(knots + 1)])]
    )
    places = np.linspace(0, t - 1, knots + 2)
    tau = np.interp(np.arange(t), places, reached / reached[-1] * (t - 1))
    return np.stack([np.interp(tau, np.arange(t), column) for column in x[0].T], axis=1)[None]


def time_mask(x, s, most, count, value):
    x = x.copy()
    for _ in range(count):
        width = s.below(min(most, x.shape[1]) + 1)
        start = s.below(x.shape[1] - width + 1)
        x[:, start : start + width] = value
    return x


def time_shift(x, s, most, mode, fill):
    shift = s.below(2 * most + 1) - most
    padded = pad(x, (0, most, 0, most), mode, fill)
    return padded[:, most + shift : most + shift + x.shape[1]]


Sample = Callable[[np.ndarray, Stream], np.ndarray]


def over_batch(
    samples: list[Sample], x: np.ndarray, seed: int, epoch: int, indices: list[int]
) -> np.ndarray:
    """A chain of transforms of samples (C, H, W), one after the other."""
    out = []
    for sample, index in zip(x, indices, strict=True):
        for place, transform in enumerate(samples):
            sample = transform(sample, Stream(seed, epoch, place, index))
        out.append(sample)
    return np.stack(out)
