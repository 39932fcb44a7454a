"""
What a recording sounds like.
"""

from __future__ import annotations

import math
import wave
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tone:
    """
    @ivar frequency: the strongest sine, in Hz, to the nearest 5.
    @ivar level: the root mean square of the signal, in dB of full scale: a sine of full amplitude has -3.
    @ivar purity: the part of the signal's power that is that sine: 1.0 nothing else, 0.0 silence or noise.
    @ivar duration: of the whole recording, in seconds.
    """

    frequency: int
    level: float
    purity: float
    duration: float


def measure(recording: Path, at: float = 0.5) -> Tone:
    """
    The tone in 0.2 s of a wav file with 16-bit samples and one channel.

    @param at: where: 0.0 its beginning, 0.5 its middle, 1.0 its end.
    @raise ValueError: it is shorter than that.
    """
    with wave.open(str(recording)) as file:
        rate = file.getframerate()
        samples = array("h", file.readframes(file.getnframes()))
    # A whole number of periods of every multiple of 5 Hz, so that those do not leak into each other.
    length = rate // 5
    if len(samples) < length:
        raise ValueError(f"{recording}: only {len(samples) / rate} s")
    start = int((len(samples) - length) * at)
    window = [sample / 32768 for sample in samples[start : start + length]]
    power = sum(sample * sample for sample in window) / length
    strongest, frequency = max((_powerAt(window, hertz / rate), hertz) for hertz in range(50, rate // 2, 5))
    return Tone(
        frequency=frequency,
        level=10 * math.log10(power) if power else -math.inf,
        purity=strongest / power if power else 0.0,
        duration=len(samples) / rate,
    )


def record(recording: Path, frequency: int, seconds: float = 10.0, rate: int = 8000) -> None:
    """Write a wav file with a sine of half the full amplitude, C{rate} samples a second."""
    turn = 2 * math.pi * frequency / rate
    with wave.open(str(recording), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(array("h", (int(16384 * math.sin(turn * n)) for n in range(int(seconds * rate)))).tobytes())


def _powerAt(samples: Sequence[float], frequency: float) -> float:
    """The power of the sine with that frequency (in periods per sample): Goertzel's algorithm."""
    turn = 2 * math.cos(2 * math.pi * frequency)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + turn * last - before
    return 2 * (before * before + last * last - turn * before * last) / len(samples) ** 2
