// Sounds as numbers: files, spectra and the way back, loudness, and where in time and frequency a
// place of a spectrogram is. Nothing here touches the page.

/**
 * Reads a WAV file of one channel, as the server makes them.
 *
 * @param {ArrayBuffer} buffer The file: whole numbers of 16, 24 or 32 bits, or floats of 32.
 * @returns {{rate: number, samples: Float32Array}} Samples from −1 to 1, of the first channel.
 */
export function readWAV(buffer) {
  const view = new DataView(buffer);
  const name = (at) => String.fromCharCode(...new Uint8Array(buffer, at, 4));
  if (buffer.byteLength < 12 || name(0) !== "RIFF" || name(8) !== "WAVE") {
    throw new Error("this is no WAV file");
  }
  let format = null;
  for (let at = 12; at + 8 <= buffer.byteLength;) {
    const size = view.getUint32(at + 4, true);
    if (name(at) === "fmt ") {
      const kind = view.getUint16(at + 8, true);
      format = {
        isFloat: (kind === 0xfffe ? view.getUint16(at + 32, true) : kind) === 3,
        channels: view.getUint16(at + 10, true), rate: view.getUint32(at + 12, true),
        bytes: view.getUint16(at + 22, true) / 8,
      };
    }
    if (name(at) === "data" && format) {
      const length = Math.min(size, buffer.byteLength - at - 8);
      return { rate: format.rate, samples: samplesOf(view, at + 8, length, format) };
    }
    at += 8 + size + (size & 1);
  }
  throw new Error("the WAV file has no samples");
}

function samplesOf(view, start, length, { isFloat, channels, bytes }) {
  const step = channels * bytes;
  const samples = new Float32Array(Math.floor(length / step));
  const read = {
    2: (at) => view.getInt16(at, true) / 32768,
    3: (at) => (view.getUint16(at, true) | (view.getInt8(at + 2) << 16)) / 8388608,
    4: isFloat ? (at) => view.getFloat32(at, true) : (at) => view.getInt32(at, true) / 2147483648,
  }[bytes];
  if (!read) { throw new Error("the WAV file has samples of another size"); }
  for (let i = 0; i < samples.length; i += 1) { samples[i] = read(start + i * step); }
  return samples;
}

/** A WAV file of one channel in floats, which keeps every sample as it is. */
export function wavFile(samples, rate) {
  const view = new DataView(new ArrayBuffer(44 + 4 * samples.length));
  const text = (at, word) => [...word].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 4 * samples.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 3, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 4 * rate, true);
  view.setUint16(32, 4, true);
  view.setUint16(34, 32, true);
  text(36, "data");
  view.setUint32(40, 4 * samples.length, true);
  new Float32Array(view.buffer, 44).set(samples);
  return view.buffer;
}

// Fourier transforms

/** A complex transform in place of a length that is a power of two. */
export function transform(real, imaginary, isInverse = false) {
  const count = real.length;
  for (let i = 1, j = 0; i < count; i += 1) {
    let bit = count >> 1;
    for (; j & bit; bit >>= 1) { j ^= bit; }
    j ^= bit;
    if (i < j) {
      [real[i], real[j]] = [real[j], real[i]];
      [imaginary[i], imaginary[j]] = [imaginary[j], imaginary[i]];
    }
  }
  const turns = twiddles(count);
  for (let size = 2; size <= count; size *= 2) {
    const half = size / 2;
    const stride = count / size;
    for (let start = 0; start < count; start += size) {
      for (let k = 0; k < half; k += 1) {
        const c = turns.real[k * stride];
        const s = isInverse ? -turns.imaginary[k * stride] : turns.imaginary[k * stride];
        const a = start + k;
        const b = a + half;
        const x = real[b] * c - imaginary[b] * s;
        const y = real[b] * s + imaginary[b] * c;
        real[b] = real[a] - x;
        imaginary[b] = imaginary[a] - y;
        real[a] += x;
        imaginary[a] += y;
      }
    }
  }
  if (isInverse) {
    for (let i = 0; i < count; i += 1) {
      real[i] /= count;
      imaginary[i] /= count;
    }
  }
}

const knownTwiddles = new Map();

function twiddles(count) {
  if (!knownTwiddles.has(count)) {
    const turns = { real: new Float64Array(count / 2), imaginary: new Float64Array(count / 2) };
    for (let k = 0; k < count / 2; k += 1) {
      turns.real[k] = Math.cos((2 * Math.PI * k) / count);
      turns.imaginary[k] = -Math.sin((2 * Math.PI * k) / count);
    }
    knownTwiddles.set(count, turns);
  }
  return knownTwiddles.get(count);
}

/**
 * The parts of a sound inside and outside rectangles of time and frequency, which add up to it.
 *
 * The short-time spectrum (Hann windows of about 32 ms, a quarter apart) is multiplied by the
 * rectangles with its phase kept, and transformed back.
 *
 * @param {Float32Array} samples The sound.
 * @param {number} rate Samples a second.
 * @param {{start, end, low, high}[]} rectangles In seconds and hertz.
 * @returns {{inside: Float32Array, outside: Float32Array}} Both of the sound's length.
 */
export function divided(samples, rate, rectangles) {
  const count = 2 ** Math.max(6, Math.round(Math.log2(rate * 0.032)));
  const hop = count / 4;
  const window = Float64Array.from(
    { length: count }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / count));
  const inside = new Float64Array(samples.length + count);
  const weights = new Float64Array(samples.length + count);
  const real = new Float64Array(count);
  const imaginary = new Float64Array(count);
  // Frames are centred at multiples of the hop; all places are shifted by half a frame.
  for (let centre = 0; centre <= samples.length + hop; centre += hop) {
    const from = centre - count / 2;
    const time = centre / rate;
    const chosen = rectangles.filter((r) => time >= r.start && time <= r.end);
    const isChosen = chosen.length > 0;
    for (let i = 0; i < count; i += 1) {
      const place = centre + i;
      if (place < weights.length) { weights[place] += window[i] * window[i]; }
      real[i] = isChosen ? (samples[from + i] ?? 0) * window[i] : 0;
      imaginary[i] = 0;
    }
    if (!isChosen) { continue; }
    transform(real, imaginary);
    for (let bin = 0; bin <= count / 2; bin += 1) {
      const hertz = (bin * rate) / count;
      if (chosen.some((r) => hertz >= r.low && hertz <= r.high)) { continue; }
      real[bin] = imaginary[bin] = 0;
      const mirror = (count - bin) % count;
      real[mirror] = imaginary[mirror] = 0;
    }
    transform(real, imaginary, true);
    for (let i = 0; i < count; i += 1) {
      if (centre + i < inside.length) { inside[centre + i] += real[i] * window[i]; }
    }
  }
  const result = {
    inside: new Float32Array(samples.length), outside: new Float32Array(samples.length),
  };
  for (let i = 0; i < samples.length; i += 1) {
    const place = i + count / 2;
    const value = weights[place] > 1e-9 ? inside[place] / weights[place] : 0;
    result.inside[i] = value;
    result.outside[i] = samples[i] - value;
  }
  return result;
}

// Loudness

/** A filter of second order: b0, b1, b2, a1, a2. */
function filtered(samples, [b0, b1, b2, a1, a2]) {
  const result = new Float64Array(samples.length);
  let [x1, x2, y1, y2] = [0, 0, 0, 0];
  for (let i = 0; i < samples.length; i += 1) {
    const x = samples[i];
    const y = b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2;
    [x2, x1, y2, y1] = [x1, x, y1, y];
    result[i] = y;
  }
  return result;
}

/** The two filters of ITU-R BS.1770 for a rate: the head's shelf, and what the ear hears of lows. */
function weighting(rate) {
  const k1 = Math.tan((Math.PI * 1681.974450955533) / rate);
  const q1 = 0.7071752369554196;
  const vh = 10 ** (3.999843853973347 / 20);
  const vb = vh ** 0.4996667741545416;
  const d1 = 1 + k1 / q1 + k1 * k1;
  const k2 = Math.tan((Math.PI * 38.13547087602444) / rate);
  const q2 = 0.5003270373238773;
  const d2 = 1 + k2 / q2 + k2 * k2;
  return [
    [
      (vh + (vb * k1) / q1 + k1 * k1) / d1, (2 * (k1 * k1 - vh)) / d1,
      (vh - (vb * k1) / q1 + k1 * k1) / d1, (2 * (k1 * k1 - 1)) / d1,
      (1 - k1 / q1 + k1 * k1) / d1,
    ],
    [1, -2, 1, (2 * (k2 * k2 - 1)) / d2, (1 - k2 / q2 + k2 * k2) / d2],
  ];
}

/**
 * How loud a sound is (ITU-R BS.1770-4), in LUFS: blocks of 0.4 s, without those that are silent
 * or far below the rest.
 *
 * @returns {number} −Infinity for silence.
 */
export function loudness(samples, rate) {
  const [shelf, lows] = weighting(rate);
  const weighted = filtered(filtered(samples, shelf), lows);
  const length = Math.min(weighted.length, Math.round(0.4 * rate));
  const step = Math.max(1, Math.round(length / 4));
  const powers = [];
  for (let start = 0; start + length <= weighted.length && length > 0; start += step) {
    let sum = 0;
    for (let i = start; i < start + length; i += 1) { sum += weighted[i] * weighted[i]; }
    powers.push(sum / length);
  }
  const level = (power) => -0.691 + 10 * Math.log10(power);
  const mean = (list) => list.reduce((sum, power) => sum + power, 0) / list.length;
  const heard = powers.filter((power) => level(power) > -70);
  if (heard.length === 0) {
    const all = powers.length ? mean(powers) : 0;
    return all > 0 ? level(all) : -Infinity;
  }
  const gate = level(mean(heard)) - 10;
  return level(mean(heard.filter((power) => level(power) > gate)));
}

/**
 * Factors that make sounds equally loud, none of them beyond full scale.
 *
 * @param {{samples: Float32Array, rate: number}[]} sounds The sounds; silence has the factor 1.
 * @param {number} wanted The loudness where nothing speaks against it, in LUFS.
 * @returns {number[]} One factor a sound.
 */
export function equalLoudness(sounds, wanted = -20) {
  const levels = sounds.map(({ samples, rate }) => loudness(samples, rate));
  const peaks = sounds.map(({ samples }) => {
    let peak = 0;
    for (const value of samples) { peak = Math.max(peak, Math.abs(value)); }
    return peak;
  });
  const most = levels.map((level, i) => (
    Number.isFinite(level) ? level + 20 * Math.log10(0.98 / peaks[i]) : Infinity));
  const target = Math.min(wanted, ...most);
  return levels.map((level) => (Number.isFinite(level) ? 10 ** ((target - level) / 20) : 1));
}

// Where in time and frequency a place is

const slaney = { linear: 200 / 3, knee: 1000, step: Math.log(6.4) / 27 };

/** The place of a frequency on a mel scale. */
export function toMel(hertz, scale) {
  if (scale === "htk") { return 2595 * Math.log10(1 + hertz / 700); }
  return hertz < slaney.knee
    ? hertz / slaney.linear
    : slaney.knee / slaney.linear + Math.log(hertz / slaney.knee) / slaney.step;
}

/** The frequency at a place of a mel scale, in hertz. */
export function fromMel(mel, scale) {
  if (scale === "htk") { return 700 * (10 ** (mel / 2595) - 1); }
  const knee = slaney.knee / slaney.linear;
  return mel < knee ? mel * slaney.linear : slaney.knee * Math.exp(slaney.step * (mel - knee));
}

/**
 * The axes of a window's spectrogram, in pixels of a picture with low frequencies at the bottom.
 *
 * @param {object} audio What the model's list says about how it hears.
 * @param {number[]} window Where the window begins and ends, in seconds.
 * @param {number} width The picture's width.
 * @param {number} height Its height.
 * @returns {object} Functions from pixels to seconds and hertz, back, and to text.
 */
export function soundAxes(audio, window, width, height) {
  const [low, high] = [audio.minimum, audio.maximum].map((f) => toMel(f, audio.melScale));
  const frame = audio.hop / audio.sampleRate;
  const frames = 1 + Math.floor((audio.seconds * audio.sampleRate) / audio.hop);
  // The middle of band b is at b + ½ of the picture, and is the edge b + 1 of the triangles.
  const edge = (index) => low + ((high - low) * index) / (audio.bands + 1);
  const x = (px) => window[0] + ((px / width) * frames - 0.5) * frame;
  const fromSeconds = (seconds) => (((seconds - window[0]) / frame + 0.5) / frames) * width;
  const y = (py) => {
    const share = Math.min(Math.max(1 - py / height, 0), 1);
    return Math.max(0, fromMel(edge(share * audio.bands + 0.5), audio.melScale));
  };
  const fromHertz = (hertz) => {
    const place = ((toMel(hertz, audio.melScale) - low) / (high - low)) * (audio.bands + 1);
    return (1 - (place - 0.5) / audio.bands) * height;
  };
  return {
    x, y, fromSeconds, fromHertz,
    xText: (px) => `${Math.min(Math.max(x(px), window[0]), window[1]).toFixed(2)} s`,
    yText: (py) => hertzText(y(py)),
  };
}

/** Boxes around the evidence of a map, in pixels of the spectrogram. */
export function evidenceBoxes(axes, entry) {
  return entry?.evidence?.regions.map(({ seconds, hertz }) => {
    const [x, y] = [axes.fromSeconds(seconds[0]), axes.fromHertz(hertz[1])];
    return { x, y, width: axes.fromSeconds(seconds[1]) - x, height: axes.fromHertz(hertz[0]) - y };
  });
}

/**
 * Where a window begins and ends, in seconds.
 *
 * @param {number} start Where it begins.
 * @param {{report, model}} known What the report says of windows, and the model of their length.
 */
export function windowAt(start, { report, model }) {
  const found = report?.sound?.windows.find(({ seconds }) => Math.abs(seconds[0] - start) < 0.002);
  return found?.seconds ?? [start, start + (model?.audio?.seconds ?? 0)];
}

/** A frequency in words, such as "440 Hz" or "2.5 kHz". */
export function hertzText(hertz) {
  return hertz < 1000 ? `${Math.round(hertz)} Hz` : `${(hertz / 1000).toFixed(2)} kHz`;
}

/** The least and the greatest sample of so many equal parts of a sound: `[least, greatest, …]`. */
export function envelope(samples, parts, start = 0, end = samples.length) {
  const result = new Float32Array(2 * parts);
  for (let part = 0; part < parts; part += 1) {
    const from = Math.floor(start + ((end - start) * part) / parts);
    const to = Math.max(from + 1, Math.floor(start + ((end - start) * (part + 1)) / parts));
    let [least, greatest] = [Infinity, -Infinity];
    for (let i = from; i < to && i < samples.length; i += 1) {
      if (samples[i] < least) { least = samples[i]; }
      if (samples[i] > greatest) { greatest = samples[i]; }
    }
    result[2 * part] = least === Infinity ? 0 : least;
    result[2 * part + 1] = greatest === -Infinity ? 0 : greatest;
  }
  return result;
}
