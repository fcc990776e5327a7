// Plays samples, and knows where in the recording it is.

export class Player extends EventTarget {
  constructor() {
    super();
    this.context = null;
    this.playing = null;
    this.buffers = new WeakMap();
  }

  get isPlaying() { return this.playing !== null; }

  /**
   * Plays a sound; what played before ends.
   *
   * @param {{samples: Float32Array, rate: number, origin: number}} sound `origin` is where in the
   *   recording the first sample is, in seconds.
   * @param {{from: number, to: number, loops: boolean, gain: number}} part In seconds of the
   *   recording; the factor by which it is louder.
   */
  async play(sound, { from, to, loops = false, gain = 1 }) {
    this.stop();
    this.context ??= new AudioContext({ latencyHint: "interactive" });
    const { context } = this;
    const source = new AudioBufferSourceNode(context, { buffer: this.buffer(sound) });
    const volume = new GainNode(context, { gain });
    source.connect(volume).connect(context.destination);
    const [start, end] = [from, to].map((time) => Math.max(0, time - sound.origin));
    const playing = { source, start, end, loops, origin: sound.origin, begun: null };
    this.playing = playing;
    if (context.state !== "running") { await context.resume(); }
    if (this.playing !== playing) { return; }
    playing.begun = context.currentTime;
    if (loops) {
      Object.assign(source, { loop: true, loopStart: start, loopEnd: end });
      source.start(0, start);
    } else {
      source.start(0, start, Math.max(0, end - start));
    }
    source.onended = () => {
      if (this.playing !== playing) { return; }
      this.playing = null;
      this.dispatchEvent(new Event("end"));
    };
    this.dispatchEvent(new Event("begin"));
  }

  stop() {
    const { playing } = this;
    if (!playing) { return; }
    this.playing = null;
    playing.source.onended = null;
    try { playing.source.stop(); } catch { /* it had not begun */ }
    this.dispatchEvent(new Event("end"));
  }

  /** Where in the recording the ear is, in seconds; null in silence. */
  get position() {
    const { playing, context } = this;
    if (!playing || playing.begun === null) { return null; }
    const late = context.outputLatency || 0;
    const passed = Math.max(0, context.currentTime - playing.begun - late);
    const length = playing.end - playing.start;
    const within = playing.loops && length > 0 ? passed % length : Math.min(passed, length);
    return playing.origin + playing.start + within;
  }

  buffer(sound) {
    if (!this.buffers.has(sound.samples)) {
      const buffer = new AudioBuffer({
        length: Math.max(1, sound.samples.length), sampleRate: sound.rate, numberOfChannels: 1,
      });
      buffer.copyToChannel(sound.samples, 0);
      this.buffers.set(sound.samples, buffer);
    }
    return this.buffers.get(sound.samples);
  }

  close() {
    this.stop();
    this.context?.close();
    this.context = null;
  }
}
