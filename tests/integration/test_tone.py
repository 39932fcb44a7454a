"""
The ear of the integration tests hears what it should.
"""

from __future__ import annotations

import math
import random
import wave
from array import array
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.integration.tone import measure

RATE = 8000  # samples per second


def record(path: Path, signal: Iterable[float]) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(array("h", (int(32767 * value) for value in signal)).tobytes())
    return path


def sine(frequency: float, amplitude: float, seconds: float = 1.0) -> list[float]:
    return [amplitude * math.sin(2 * math.pi * frequency * n / RATE) for n in range(int(seconds * RATE))]


@pytest.mark.parametrize(("frequency", "amplitude"), [(440, 1.0), (1000, 0.1), (3400, 0.5), (55, 0.5)])
def test_frequencyAndLevelOfASine(tmp_path: Path, frequency: int, amplitude: float) -> None:
    tone = measure(record(tmp_path / "sine.wav", sine(frequency, amplitude)))
    assert tone.frequency == frequency
    assert tone.level == pytest.approx(20 * math.log10(amplitude) - 3.01, abs=0.05)
    assert tone.purity > 0.999
    assert tone.duration == 1.0


def test_strongerOfTwoSines(tmp_path: Path) -> None:
    both = [strong + weak for strong, weak in zip(sine(880, 0.6), sine(440, 0.3), strict=True)]
    tone = measure(record(tmp_path / "two.wav", both))
    assert tone.frequency == 880
    assert tone.purity == pytest.approx(0.8, abs=0.01)


def test_placeInTheRecording(tmp_path: Path) -> None:
    path = record(tmp_path / "three.wav", [*sine(440, 0.5), *[0.0] * RATE, *sine(880, 0.5)])
    assert [measure(path, at).frequency for at in (0.0, 0.2, 0.8, 1.0)] == [440, 440, 880, 880]
    assert measure(path).purity == 0.0


def test_noiseIsNoTone(tmp_path: Path) -> None:
    chance = random.Random(3)
    tone = measure(record(tmp_path / "noise.wav", [chance.uniform(-0.5, 0.5) for _ in range(RATE)]))
    assert tone.purity < 0.1


def test_silenceIsNoTone(tmp_path: Path) -> None:
    tone = measure(record(tmp_path / "silence.wav", [0.0] * RATE))
    assert (tone.level, tone.purity) == (-math.inf, 0.0)


def test_tooShortToTell(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"only 0\.1 s"):
        measure(record(tmp_path / "short.wav", sine(440, 0.5, seconds=0.1)))
