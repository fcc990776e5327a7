#!/usr/bin/env python3
"""Sounds with several labels: events at known times and bands in noise and in speech, with their truth.

Usage: Tools/scenes/events.py FOLDER [--seconds 2] [--rate 8000] [--counts 1500,300,400] [--seed 0] [--no-speech]
                             [--shortcut LABEL[:SHARE]]

The folder then holds

  training|validation|testing/NAME.wav   16 bit, mono
  index.csv    path, split, labels (joined by |), background
  events.csv   every event: path, label (none for clutter), start and end in s, low and high in Hz
  truth.csv    the same without clutter: path, label, start s, end s, low Hz, high Hz; a chirp has a line for each eighth of it,
               since most of the box around it is empty

Labels: `tone` (steady), `rise` and `fall` (chirps over an octave or more), `trill` (a tone that swings 8 to 14 times a
second), `pulses` (a train of short clicks of one pitch), `burst` (noise in a band), and `word`, which is "seven" spoken by
espeak-ng or flite, where one of them is installed. Clutter: other words and short blips of no label. Backgrounds: white, pink and
brown noise, and, where there is a synthesiser, sentences under noise. The voices and sentences of testing are not those of
training; noise of modulated loudness is in testing alone. Levels, number, times and pitches of all labels are drawn alike, so that
neither loudness nor place tells a label.

`--shortcut trill:0.5` puts a hum of 120 Hz under that share of the label's sounds in training and validation, through the whole
sound. index.csv then has a column `marked`; testing has no hum, and marked.csv lists copies of the testing sounds without the
label into which it was put: how often a model says the label there is how strong the shortcut is.

The band of a word is where nine tenths of its energy lie, its time where it is within 30 dB of its loudest 10 ms.
Everything drawn at random is drawn from a hash of the seed and the sound's name.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile
import wave

import numpy

from common import SPLITS, draw, pick, whole_folder, write_table

KEYWORD = "seven"
OTHERS = ["yellow", "window", "paper", "garden", "monday", "river", "button", "table"]
SENTENCES = {
    "training": ["please leave a message after the tone", "the number you have dialled is not in service",
                 "all of our operators are busy at the moment", "thank you for calling, goodbye"],
    "validation": ["you will be connected in a short while", "press any key to go on"],
    "testing": ["your call may be recorded for training", "the person at this extension is away today",
                "enter the extension of the person you want"],
}  # fmt: skip
VOICES = {
    "espeak-ng": {"training": ["en-us+m1", "en-us+f2", "en-gb+m3", "en-gb+f4"], "validation": ["en-us+f1", "en-gb+m7"],
                  "testing": ["en-us+m4", "en-gb+f3", "en-us+f5"]},
    "flite": {"training": ["kal16", "rms"], "validation": ["awb"], "testing": ["slt"]},
}  # fmt: skip
NOISES = {
    "training": ("white", "pink", "brown"), "validation": ("white", "pink", "brown"),
    "testing": ("white", "pink", "brown", "wind"),
}  # fmt: skip
HUM = 120
PARTS = 8
LABELS = ("burst", "fall", "pulses", "rise", "tone", "trill")


def spoken(text: str, engine: str, voice: str, rate: int) -> numpy.ndarray:
    """What a synthesiser says, at the rate, from -1 to 1."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        command = {"espeak-ng": ["-v", voice, "-w", file.name, text], "flite": ["-voice", voice, "-t", text, "-o", file.name]}
        subprocess.run([engine, *command[engine]], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with wave.open(file.name) as sound:
            samples = numpy.frombuffer(sound.readframes(sound.getnframes()), "<i2") / 32768
            return resampled(samples, sound.getframerate(), rate)


def resampled(samples: numpy.ndarray, rate: int, wanted: int) -> numpy.ndarray:
    """By the spectrum; what is above half of the lower rate is gone."""
    count = len(samples) * wanted // rate
    spectrum = numpy.fft.rfft(samples)[: count // 2 + 1]
    spectrum = numpy.pad(spectrum, (0, count // 2 + 1 - len(spectrum)))
    return numpy.fft.irfft(spectrum, count) * wanted / rate


def coloured(random, count: int, kind: str) -> numpy.ndarray:
    """Noise of root mean square 1."""
    frequency = numpy.maximum(numpy.arange(count // 2 + 1), count / 200)
    exponent = {"white": 0, "pink": 0.5, "brown": 1, "wind": 0.7}[kind]
    noise = numpy.fft.irfft(numpy.fft.rfft(random.standard_normal(count)) / frequency**exponent, count)
    if kind == "wind":
        times = numpy.linspace(0, 1, 9)
        noise *= numpy.interp(numpy.linspace(0, 1, count), times, random.uniform(0.3, 1.5, 9))
    return noise / numpy.sqrt((noise**2).mean())


def smooth_ends(samples: numpy.ndarray, rate: int) -> numpy.ndarray:
    fade = min(rate // 50, len(samples) // 4)
    slope = 0.5 - 0.5 * numpy.cos(numpy.pi * numpy.arange(fade) / fade)
    samples = samples.copy()
    samples[:fade] *= slope
    samples[-fade:] *= slope[::-1]
    return samples


def banded(samples: numpy.ndarray, rate: int, low: float, high: float) -> numpy.ndarray:
    frequency = numpy.fft.rfftfreq(len(samples), 1 / rate)
    return numpy.fft.irfft(numpy.fft.rfft(samples) * ((frequency >= low) & (frequency <= high)), len(samples))


def event(label: str, random, rate: int) -> tuple[numpy.ndarray, float, float]:
    """Samples of an event of a label, and the lowest and highest frequency in it."""
    seconds = random.uniform(0.3, 0.7)
    count = int(seconds * rate)
    time = numpy.arange(count) / rate
    top = 0.42 * rate
    pitch = numpy.exp(random.uniform(numpy.log(350), numpy.log(top / 1.3)))
    frequency = numpy.full(count, pitch)
    low, high = pitch * 0.97, pitch * 1.03
    if label in ("rise", "fall"):
        low = numpy.exp(random.uniform(numpy.log(300), numpy.log(top / 2)))
        high = min(low * 2 ** random.uniform(1, 2), top)
        frequency = low * (high / low) ** (time / seconds)
        frequency = frequency if label == "rise" else frequency[::-1]
    elif label == "trill":
        swing = random.uniform(0.1, 0.2)
        frequency = pitch * (1 + swing * numpy.sin(2 * numpy.pi * random.uniform(8, 14) * time))
        low, high = pitch * (1 - swing), pitch * (1 + swing)
    elif label == "burst":
        low, high = pitch / 1.3, min(pitch * 1.3, top)
        return smooth_ends(banded(random.standard_normal(count), rate, low, high), rate), low, high
    samples = numpy.sin(2 * numpy.pi * numpy.cumsum(frequency) / rate + random.uniform(0, 2 * numpy.pi))
    if label == "pulses":
        length, period = int(0.012 * rate), int(rate / random.uniform(12, 20))
        envelope = numpy.zeros(count)
        for start in range(0, count - length, period):
            envelope[start : start + length] = numpy.hanning(length)
        samples, low, high = samples * envelope, max(pitch - 130, 50), pitch + 130
    return smooth_ends(samples, rate), low, high


def parts(label: str, start, end, low, high) -> list:
    """The boxes in which an event is: a chirp's follow it."""
    if label not in ("rise", "fall"):
        return [(start, end, low, high)]
    times = numpy.linspace(start, end, PARTS + 1)
    pitches = numpy.geomspace(low, high, PARTS + 1)
    bands = [(below * 0.97, above * 1.03) for below, above in zip(pitches, pitches[1:])]
    return [(*span, *band) for span, band in zip(zip(times, times[1:]), bands if label == "rise" else bands[::-1])]


def word_event(samples: numpy.ndarray, rate: int) -> tuple[numpy.ndarray, float, float]:
    """A word without the silence around it, and the band with nine tenths of its energy."""
    frame = rate // 100
    level = 10 * numpy.log10((samples[: len(samples) // frame * frame].reshape(-1, frame) ** 2).mean(axis=1) + 1e-12)
    loud = numpy.flatnonzero(level > level.max() - 30)
    samples = samples[loud[0] * frame : (loud[-1] + 1) * frame]
    share = numpy.cumsum(abs(numpy.fft.rfft(samples)) ** 2)
    frequency = numpy.fft.rfftfreq(len(samples), 1 / rate)
    low, high = (float(frequency[numpy.searchsorted(share, part * share[-1])]) for part in (0.05, 0.95))
    return samples, low, high


class Sounds:
    """What all sounds of a data set share; what was spoken is kept."""

    def __init__(self, seconds, rate, seed, has_speech, shortcut):
        self.seconds, self.rate, self.seed = seconds, rate, seed
        self.shortcut, _, share = (shortcut or "").partition(":")
        self.share = float(share or 0.5)
        self.engines = [engine for engine in VOICES if has_speech and shutil.which(engine)]
        self.labels = sorted([*LABELS, *(["word"] if self.engines else [])])
        self.cache = {}

    def say(self, random, split, text) -> numpy.ndarray:
        engine = pick(random, self.engines)
        key = (text, engine, pick(random, VOICES[engine][split]))
        if key not in self.cache:
            self.cache[key] = spoken(*key, self.rate)
        return self.cache[key]

    def background(self, random, split, count) -> tuple[str, numpy.ndarray]:
        kind = pick(random, NOISES[split])
        noise = coloured(random, count, kind)
        if not self.engines or random.random() < 0.6:
            return kind, noise
        speech = numpy.zeros(0)
        while len(speech) < 2 * count:
            speech = numpy.concatenate([speech, self.say(random, split, pick(random, SENTENCES[split])), numpy.zeros(self.rate // 4)])
        start = int(random.integers(len(speech) - count))
        speech = speech[start : start + count]
        speech = speech / max(numpy.sqrt((speech**2).mean()), 1e-3)
        return f"speech and {kind}", 0.8 * speech + 0.45 * noise

    def made(self, split, name):
        """Samples, background and events of a sound, and a copy with a hum where the shortcut needs one."""
        random = draw(self.seed, "sound", split, name)
        count = int(self.seconds * self.rate)
        kind, samples = self.background(random, split, count)
        # Of one label there is one event at most; a fifth of the sounds has none.
        labels = list(random.choice(self.labels, random.choice(4, p=[0.2, 0.35, 0.3, 0.15]), replace=False))
        things = [*map(str, labels), *[None] * int(random.integers(3))]
        events = []
        for label in things:
            if label == "word":
                part, low, high = word_event(self.say(random, split, KEYWORD), self.rate)
            elif label:
                part, low, high = event(label, random, self.rate)
            elif self.engines and random.random() < 0.5:
                part, low, high = word_event(self.say(random, split, pick(random, OTHERS)), self.rate)
            else:
                part, low, high = event("tone", random, self.rate)
                part = smooth_ends(part[: self.rate // 20], self.rate)  # a blip is too short for a tone
            start = place(events, len(part) / self.rate, low, high, self.seconds, random)
            if start is None:
                continue
            at = int(start * self.rate)
            # The level within the event, against that of the background.
            gain = 10 ** (random.uniform(-6, 4) / 20) / numpy.sqrt((part**2).mean())
            part = part[: count - at]
            samples[at : at + len(part)] += gain * part
            events.append((label or "", start, start + len(part) / self.rate, low, high))
        level = 10 ** (random.uniform(-30, -22) / 20)
        humming = self.humming(split, name, samples, {one[0] for one in events})
        samples, humming = (
            None if sound is None else sound * (level / numpy.sqrt((sound**2).mean())) for sound in (samples, humming)
        )
        return samples, kind, events, humming

    def humming(self, split, name, samples, labels):
        """The sound with the shortcut's hum, half as strong as all the rest; `None` where it has none."""
        random = draw(self.seed, "hum", split, name)
        has_label = self.shortcut in labels
        if not self.shortcut or has_label == (split == "testing") or has_label and random.random() >= self.share:
            return None
        time = numpy.arange(len(samples)) / self.rate
        loudness = 0.5 * numpy.sqrt(2 * (samples**2).mean())
        return samples + loudness * numpy.sin(2 * numpy.pi * HUM * time + random.uniform(0, 2 * numpy.pi))


def place(events, seconds, low, high, whole, random):
    """A start at which an event covers no other in time and band; `None` where none was found."""
    for _ in range(20):
        start = random.uniform(0, max(whole - seconds, 1e-3))
        if not any(start < e and start + seconds > s and low < h and high > l for _, s, e, l, h in events):
            return start
    return None


def write(path: pathlib.Path, samples: numpy.ndarray, rate: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(numpy.clip(numpy.rint(samples * 32767), -32768, 32767).astype("<i2").tobytes())


def line(path: str, label: str, start, end, low, high) -> tuple:
    return (path, label, f"{start:.4f}", f"{end:.4f}", f"{low:.1f}", f"{high:.1f}")


def main(words=None) -> int:
    parser = argparse.ArgumentParser(prog="events.py", description="Makes sounds with events at known times and bands.")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rate", type=int, default=8000)
    parser.add_argument("--counts", default="1500,300,400", help="training, validation and testing sounds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-speech", action="store_true", help="neither words nor sentences, whatever is installed")
    parser.add_argument("--shortcut", metavar="LABEL[:SHARE]", help="put a hum under this share (0.5) of a label's sounds")
    options = parser.parse_args(words)
    try:
        counts = [int(count) for count in options.counts.split(",")]
    except ValueError:
        counts = []
    if len(counts) != 3 or min(counts) < 0 or not 1 <= options.seconds <= 60 or not 4000 <= options.rate <= 48000:
        parser.error("--counts takes three numbers, --seconds 1 to 60, --rate 4000 to 48000")
    label, _, share = (options.shortcut or "").partition(":")
    try:
        is_share = 0 < float(share or 0.5) <= 1
    except ValueError:
        is_share = False
    if options.shortcut and (label not in LABELS or not is_share):
        parser.error(f"--shortcut takes one of {', '.join(LABELS)} and a share above 0 and at most 1, such as trill:0.5")
    sounds = Sounds(options.seconds, options.rate, options.seed, not options.no_speech, options.shortcut)
    index, rows, truths, copies = [], [], [], []
    with whole_folder(options.folder) as folder:
        for split, count in zip(SPLITS, counts):
            for number in range(count):
                path = f"{split}/{split}-{number:05d}.wav"
                samples, kind, events, humming = sounds.made(split, f"{split}-{number:05d}")
                labels = "|".join(sorted({one[0] for one in events} - {""}))
                is_marked = humming is not None and split != "testing"
                write(folder / path, humming if is_marked else samples, options.rate)
                index.append((path, split, labels, kind, *(["yes" if is_marked else "no"] if options.shortcut else [])))
                if humming is not None and not is_marked:
                    write(folder / "marked" / pathlib.Path(path).name, humming, options.rate)
                    copies.append((f"marked/{pathlib.Path(path).name}", "testing", labels))
                rows += [line(path, *one) for one in events]
                truths += [line(path, one[0], *box) for one in events if one[0] for box in parts(*one)]
        columns = ["path", "split", "labels", "background", *(["marked"] if options.shortcut else [])]
        write_table(folder / "index.csv", columns, index)
        if options.shortcut:
            write_table(folder / "marked.csv", ["path", "split", "labels"], copies)
        header = ["path", "label", "start", "end", "low", "high"]
        write_table(folder / "events.csv", header, rows)
        write_table(folder / "truth.csv", header, truths)
    voices = ", ".join(sounds.engines) or "no speech: neither espeak-ng nor flite is used"
    print(f"events: {len(index)} sounds in {options.folder} ({voices})", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
