#!/usr/bin/env python3
"""Recorded and synthesised speech, laid out as Fake-or-Real: training|validation|testing/real|fake/*.wav.

Called by Tools/voices/voices.sh, which installs what this needs. Real speech is the prompts of asterisk-core-sounds, 8 kHz;
a synthetic voice speaks the same sentences. Sentences that take the human speaker less than two seconds are left out.

Split. Training and validation: English, Spanish and French (two speakers), espeak-ng and flite; a tenth of the
sentences is held out for validation. Testing: Italian and Russian (two other speakers) against festival, in Italian,
Russian and English. No engine, no speaker and no synthetic voice of the test was seen in training: flite's `slt` is
left out since festival's HTS voice was made from the same speaker, and festival's `kal` since flite has it. In each
split both classes have the same number of files, in training and validation in each language.

What is not the voice is made the same in both classes:
  rate       8 kHz, 16 bit, mono.
  channel    Each voice's long-term spectrum is brought to the international average of speech (Byrne et al. 1994, J.
             Acoust. Soc. Am. 96, 2108) between 300 and 3400 Hz. Then each file has a telephone line of its own: a
             smooth random response of up to 6 dB, and nothing below a random edge from 300 to 500 Hz or above one
             from 3000 to 3400 Hz.
  noise      Pink noise 25 to 32 dB below the speech, which covers the recording rooms and the synthesisers' silence.
  silence    None at the ends; pauses within are at most 0.2 s.
  length     Windows of exactly 2 s.
  loudness   -26 dBFS (root of the mean square), then the same triangular dither before rounding.
  tempo      In training each sentence comes twice: as it is, and replayed 10 % slower or faster (both classes).
Everything drawn at random is drawn from a hash of the file's name: the same packages give the same files.
"""

import csv
import gzip
import hashlib
import multiprocessing
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import wave
from fractions import Fraction

import numpy
from scipy import signal

RATE = 8000
WINDOW = 2 * RATE
HOP = {"training": RATE, "validation": WINDOW, "testing": WINDOW}
BAND = (300, 3400)
FRAME = RATE // 50  # 20 ms
LEVEL = 10 ** (-26 / 20)

SOUNDS = pathlib.Path("/usr/share/asterisk/sounds")
DOCUMENTS = pathlib.Path("/usr/share/doc")
SPEAKERS = {
    "en": "en_US_f_Allison",
    "es": "es_MX_f_Allison",
    "fr": "fr_CA_f_June",
    "it": "it_IT_m_Carlo",
    "ru": "ru_RU_f_IvrvoiceRU",
}

# Both speakers of the training recordings are women: most variants are women too, so that pitch tells nothing.
VARIANTS = ["f1", "f2", "f3", "f4", "f5", "annie", "belinda", "linda", "steph", "m1", "m3", "m7"]
ESPEAK = {"en": ["en-us", "en-gb"], "es": ["es-419", "es"], "fr": ["fr-fr", "fr-be"]}
# flite's voices, and the settings that raise a man's pitch.
FLITE = {
    "flite_kal": ["-voice", "kal", "--setf", "int_f0_target_mean=180"],
    "flite_kal16": ["-voice", "kal16"],
    "flite_kal16-high": ["-voice", "kal16", "--setf", "int_f0_target_mean=195"],
    "flite_rms": ["-voice", "rms"],
    "flite_rms-high": ["-voice", "rms", "--setf", "f0_shift=1.9"],
    "flite_awb": ["-voice", "awb"],
    "flite_awb-high": ["-voice", "awb", "--setf", "f0_shift=1.6"],
}
FESTIVAL = {
    "it": [("lp_diphone", "latin-1"), ("pc_diphone", "latin-1")],
    "ru": [("msu_ru_nsh_clunits", "utf-8")],
    "en": [("ked_diphone", "ascii"), ("cmu_us_slt_arctic_hts", "ascii")],
}

# Byrne et al. 1994, table II, men and women together: frequency in Hz, level of the third-octave band in dB.
SPEECH = [
    (250, 60.3), (315, 59.0), (400, 62.1), (500, 62.1), (630, 60.5), (800, 56.8), (1000, 53.7), (1250, 53.0),
    (1600, 52.0), (2000, 48.7), (2500, 48.1), (3150, 46.8), (4000, 45.6),
]


def draw(*key) -> numpy.random.Generator:
    """Random numbers that depend on the key alone."""
    digest = hashlib.blake2b("/".join(map(str, key)).encode(), digest_size=16).digest()
    return numpy.random.Generator(numpy.random.PCG64(int.from_bytes(digest, "little")))


def sentences(language: str) -> list[tuple[str, str]]:
    """Name and text of each prompt that is speech, in the order of names."""
    path = DOCUMENTS / f"asterisk-core-sounds-{language}" / f"core-sounds-{language}.txt.gz"
    found = {}
    for line in gzip.open(path, "rt", encoding="utf-8-sig"):
        name, separator, text = line.strip().partition(":")
        text = re.sub(r"\[[^]]*\]", " ", text).replace("’", "'")
        text = re.sub(r"[\s\"\\«»“”]+", " ", text).strip()
        if separator and not name.startswith(";") and re.search(r"\w", text):
            found[name] = text
    return sorted(found.items())


def held_out(name: str) -> bool:
    return draw("fold", name).integers(10) == 0


def read(path: pathlib.Path) -> tuple[numpy.ndarray, int]:
    with wave.open(str(path)) as file:
        if file.getnchannels() != 1 or file.getsampwidth() != 2:
            sys.exit(f"voices: {path} is not 16-bit mono")
        data = numpy.frombuffer(file.readframes(file.getnframes()), "<i2")
        return data / 32768.0, file.getframerate()


def resampled(samples: numpy.ndarray, rate: int, tempo: Fraction) -> numpy.ndarray:
    """At 8 kHz, replayed `tempo` times as fast."""
    ratio = Fraction(RATE, rate) / tempo
    return samples if ratio == 1 else signal.resample_poly(samples, ratio.numerator, ratio.denominator)


def levels(samples: numpy.ndarray) -> numpy.ndarray:
    """Level of each frame of 20 ms in dB."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    return 10 * numpy.log10((frames**2).mean(axis=1) + 1e-12)


def active(samples: numpy.ndarray) -> numpy.ndarray:
    level = levels(samples)
    if not len(level):
        return numpy.zeros(0, bool)
    return level > numpy.percentile(level, 95) - 30


def tightened(samples: numpy.ndarray) -> numpy.ndarray:
    """Without the silence at the ends, and with pauses cut to 0.2 s."""
    speech = numpy.flatnonzero(active(samples))
    if not len(speech):
        return samples[:0]
    kept, half = [], 5  # frames kept at each side of a pause
    for left, right in zip(speech, [*speech[1:], None]):
        if right is None or right - left - 1 <= 2 * half:
            kept.extend(range(left, left + 1 if right is None else right))
        else:
            kept.extend(range(left, left + 1 + half))
            kept.extend(range(right - half, right))
    output = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)[kept].reshape(-1).copy()
    # A cut joins two samples of a pause that were not neighbours: 2 ms of fading on either side.
    fade = numpy.linspace(1, 0, RATE // 500)
    for index in range(1, len(kept)):
        if kept[index] != kept[index - 1] + 1:
            at = index * FRAME
            output[at - len(fade) : at] *= fade
            output[at : at + len(fade)] *= fade[::-1]
    return output


def spectrum(samples: numpy.ndarray) -> numpy.ndarray:
    """Summed power spectrum [257] of the active frames."""
    total = numpy.zeros(257)
    speech = numpy.repeat(active(samples), FRAME)
    samples = samples[: len(speech)][speech]
    for start in range(0, len(samples) - 511, 256):
        total += abs(numpy.fft.rfft(samples[start : start + 512] * numpy.hanning(512))) ** 2
    return total


FREQUENCIES = numpy.arange(257) * RATE / 512


def target() -> numpy.ndarray:
    """Power per hertz in dB of average speech; a third-octave band is as wide as its frequency is high."""
    centres = numpy.array([f for f, _ in SPEECH])
    density = numpy.array([level for _, level in SPEECH]) - 10 * numpy.log10(centres)
    return numpy.interp(numpy.log(numpy.maximum(FREQUENCIES, 1)), numpy.log(centres), density)


def equaliser(power: numpy.ndarray) -> numpy.ndarray:
    """Filter [257 taps] that gives a voice of this spectrum the average one, within the band."""
    smooth = numpy.empty(257)
    for index, centre in enumerate(FREQUENCIES):
        near = (FREQUENCIES >= centre * 2 ** (-1 / 12)) & (FREQUENCIES <= centre * 2 ** (1 / 12))
        near |= abs(FREQUENCIES - centre) <= 2 * RATE / 512
        smooth[index] = power[near].mean()
    gain = target() - 10 * numpy.log10(smooth + 1e-12)
    inside = (FREQUENCIES >= BAND[0]) & (FREQUENCIES <= BAND[1])
    gain = numpy.clip(gain - numpy.median(gain[inside]), -25, 25)
    gain = numpy.interp(FREQUENCIES, FREQUENCIES[inside], gain[inside])
    return signal.firwin2(257, FREQUENCIES / (RATE / 2), 10 ** (gain / 20))


def finished(samples: numpy.ndarray, key: str) -> numpy.ndarray:
    """A window as 16-bit numbers: telephone line, noise, loudness, dither."""
    random = draw("finish", key)
    frequency = numpy.fft.rfftfreq(len(samples), 1 / RATE)
    low, high = random.uniform(300, 500), random.uniform(3000, 3400)
    points = numpy.array([300, 500, 1000, 2000, 3000, 3400])
    gain = 10 ** (numpy.interp(frequency, points, random.uniform(-6, 6, len(points))) / 20)
    gain *= numpy.clip((frequency - low) / 50 + 1, 0, 1) * numpy.clip((high - frequency) / 50 + 1, 0, 1)

    noise = numpy.fft.rfft(random.standard_normal(len(samples))) / numpy.sqrt(numpy.maximum(frequency, 1))  # pink
    speech, noise = (numpy.fft.irfft(gain * part, len(samples)) for part in (numpy.fft.rfft(samples), noise))
    ratio = 10 ** (-random.uniform(25, 32) / 20)
    samples = speech + noise * ratio * numpy.sqrt((speech**2).mean() / (noise**2).mean())

    samples = samples * LEVEL / numpy.sqrt((samples**2).mean())
    dither = random.random(len(samples)) - random.random(len(samples))
    return numpy.clip(numpy.round(samples * 32768 + dither), -32768, 32767).astype("<i2")


def write(path: pathlib.Path, samples: numpy.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())


class Utterance:
    """A sentence spoken by a voice: where its sound is, and where its windows go."""

    def __init__(self, split, label, language, voice, name, text, path, tempo=Fraction(1)):
        self.split, self.label, self.language, self.voice = split, label, language, voice
        self.name, self.text, self.path, self.tempo = name, text, path, tempo

    @property
    def stem(self) -> str:
        tempo = "" if self.tempo == 1 else f"-x{float(self.tempo):.1f}"
        return f"{self.language}-{self.voice}-{self.name.replace('/', '_')}{tempo}"

    @property
    def channel(self) -> tuple[str, str]:
        """What has one long-term spectrum: a speaker's recordings in a language, or a synthetic voice."""
        return (self.label, self.voice.partition("+")[2] or self.voice)

    def sound(self) -> numpy.ndarray:
        return resampled(*read(self.path), self.tempo)


def speak(item: Utterance) -> None:
    """Has espeak-ng or flite speak the sentence."""
    random = draw("speak", item.stem)
    if item.voice in FLITE:
        command = ["flite", *FLITE[item.voice], "-t", item.text, "-o", str(item.path)]
    else:
        voice = item.voice.removeprefix("espeak_")
        command = ["espeak-ng", "-v", voice, "-s", str(random.integers(130, 166)), "-p", str(random.integers(40, 61))]
        command += ["-w", str(item.path), item.text]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def festival(voice: str, encoding: str, items: list[Utterance]) -> None:
    """Has one voice of festival speak its sentences; one that it cannot speak is left out."""
    waiting = list(items)
    while waiting:
        script = [f"(voice_{voice})".encode()]
        for item in waiting:
            text = item.text.encode(encoding, errors="ignore")
            script.append(b'(utt.save.wave (utt.synth (Utterance Text "%s")) "%s" \'riff)' % (text, bytes(item.path)))
        with tempfile.NamedTemporaryFile(suffix=".scm") as file:
            file.write(b"\n".join(script))
            file.flush()
            subprocess.run(["festival", "-b", file.name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        done = next((i for i, item in enumerate(waiting) if not item.path.exists()), len(waiting))
        waiting = waiting[done + 1 :]  # without the sentence it stopped at


def real_utterances() -> list[Utterance]:
    items = []
    for language, speaker in SPEAKERS.items():
        for name, text in sentences(language):
            path = SOUNDS / speaker / f"{name}.wav"
            if not path.exists():
                continue
            item = Utterance("testing", "real", language, speaker, name, text, path)
            if len(tightened(item.sound())) < WINDOW:
                continue
            if language in ESPEAK:
                item.split = "validation" if held_out(name) else "training"
            items.append(item)
            if item.split == "training":
                tempo = Fraction(9, 10) if draw("tempo", item.stem).integers(2) else Fraction(11, 10)
                items.append(Utterance("training", "real", language, speaker, name, text, path, tempo))
    return items


def fake_utterances(real: list[Utterance], folder: pathlib.Path) -> list[Utterance]:
    """The same sentences, each spoken by a voice that its name decides."""

    def fake(item: Utterance, voice: str, split: str) -> Utterance:
        other = Utterance(split, "fake", item.language, voice, item.name, item.text, folder, item.tempo)
        other.path = folder / f"{other.stem}.wav"
        return other

    items = []
    for item in real:
        random = draw("voice", item.stem)
        if item.split == "testing":
            voices = FESTIVAL[item.language]
            items.append(fake(item, "festival_" + voices[random.integers(len(voices))][0], "testing"))
            continue
        if item.language == "en" and random.integers(2):
            voice = list(FLITE)[random.integers(len(FLITE))]
        else:
            voices = ESPEAK[item.language]
            voice = f"espeak_{voices[random.integers(len(voices))]}+{VARIANTS[random.integers(len(VARIANTS))]}"
        items.append(fake(item, voice, item.split))
        if item.language == "en" and item.split == "validation":
            items += [fake(item, f"festival_{voice}", "testing") for voice, _ in FESTIVAL["en"]]
    return items


def voice_spectrum(item: Utterance) -> numpy.ndarray:
    sound = item.sound()
    power = spectrum(signal.fftconvolve(sound, signal.firwin(257, 100, pass_zero=False, fs=RATE), mode="same"))
    return power / max(power.sum(), 1e-12)


def windows(task: tuple[Utterance, numpy.ndarray]) -> list[tuple[str, numpy.ndarray]]:
    """Names and samples of the utterance's windows."""
    item, response = task
    sound = signal.fftconvolve(item.sound(), response, mode="same")
    sound = tightened(sound)
    output = []
    for index, start in enumerate(range(0, len(sound) - WINDOW + 1, HOP[item.split])):
        window = sound[start : start + WINDOW]
        if active(window).mean() >= 0.6:
            name = f"{item.stem}-{index}.wav"
            output.append((name, finished(window, f"{item.split}/{item.label}/{name}")))
    return output


def balanced(found: dict, split: str, label: str) -> list:
    """As many windows of a class as the other has too; in training also in each language."""
    groups = {}
    for (kind, which), windows in found.items():
        for window in windows if kind == split else []:
            language = "" if split == "testing" else window[2].language
            groups.setdefault(language, {"real": [], "fake": []})[which].append(window)
    chosen = []
    for group in groups.values():
        count = min(map(len, group.values()))
        chosen += sorted(group[label], key=lambda window: draw("balance", window[0]).random())[:count]
    return chosen


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: voices.py FOLDER (called by voices.sh)", file=sys.stderr)
        return 2
    output = pathlib.Path(sys.argv[1])
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        print(f"voices: {output} exists; name a new folder, or remove it", file=sys.stderr)
        return 1
    say = lambda text: print(f"voices: {text}", file=sys.stderr)
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = pathlib.Path(tempfile.mkdtemp(prefix=output.name + ".", dir=output.parent))
    try:
        with tempfile.TemporaryDirectory() as spoken, multiprocessing.Pool(os.cpu_count()) as pool:
            real = real_utterances()
            fake = fake_utterances(real, pathlib.Path(spoken))
            say(f"{len(real)} recordings of at least 2 s; the synthesisers speak {len(fake)} sentences")
            others = [item for item in fake if not item.voice.startswith("festival_")]
            festivals = [
                (voice, encoding, [item for item in fake if item.voice == f"festival_{voice}"])
                for voices in FESTIVAL.values()
                for voice, encoding in voices
            ]
            waiting = pool.starmap_async(festival, festivals, chunksize=1)
            pool.map(speak, others)
            waiting.get()
            missing = [item for item in fake if not item.path.exists() or item.path.stat().st_size < 1000]
            say(f"{len(missing)} sentences could not be spoken")
            items = real + [item for item in fake if item not in missing]

            power = {}
            for item, one in zip(items, pool.map(voice_spectrum, items, chunksize=16)):
                power[item.channel] = power.get(item.channel, 0) + one
            response = {channel: equaliser(total) for channel, total in power.items()}
            tasks = [(item, response[item.channel]) for item in items]
            found = {}
            for item, parts in zip(items, pool.map(windows, tasks, chunksize=16)):
                for name, samples in parts:
                    found.setdefault((item.split, item.label), []).append((name, samples, item))

        with open(partial / "index.csv", "w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(["path", "split", "label", "language", "voice", "sentence", "tempo"])
            for split in HOP:
                for label in ["real", "fake"]:
                    folder = partial / split / label
                    folder.mkdir(parents=True)
                    chosen = balanced(found, split, label)
                    say(f"{split}/{label}: {len(chosen)} windows")
                    for name, samples, item in sorted(chosen, key=lambda f: f[0]):
                        write(folder / name, samples)
                        row = [f"{split}/{label}/{name}", split, label, item.language, item.voice, item.name]
                        table.writerow([*row, float(item.tempo)])
        partial.chmod(0o755)
        if output.exists():
            output.rmdir()
        partial.rename(output)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
