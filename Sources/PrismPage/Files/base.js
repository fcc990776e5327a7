// What lies under the maps: a picture that a browser draws, or samples with a window of levels.

/** A picture that is drawn as it is. */
export class DrawnBase {
  /** @param {{width, height, draw?, source?, describe?}} base What to draw. */
  constructor(base) {
    this.width = base.width;
    this.height = base.height;
    this.describe = base.describe;
    if (base.source) {
      this.source = base.source;
    } else {
      this.source = new OffscreenCanvas(base.width, base.height);
      base.draw(this.source.getContext("2d"));
    }
  }

  /** The levels of a pixel, or null where they cannot be told. */
  levels(x, y) {
    if (!this.pixels) {
      const canvas = new OffscreenCanvas(1, 1);
      this.pixels = canvas.getContext("2d", { willReadFrequently: true });
    }
    this.pixels.clearRect(0, 0, 1, 1);
    this.pixels.drawImage(this.source, Math.floor(x), Math.floor(y), 1, 1, 0, 0, 1, 1);
    return Array.from(this.pixels.getImageData(0, 0, 1, 1).data.subarray(0, 3));
  }
}

/** Samples of any depth, shown between two levels. */
export class SampledBase {
  /** @param {{width, height, channels, values, low, high}} base The samples, `[H, W, C]`. */
  constructor(base) {
    Object.assign(this, base);
    this.step = 0;
    this.render(false);
  }

  /** Shows other levels as black and white. */
  setLevels(low, high, isMoving) {
    this.low = low;
    this.high = high;
    this.render(isMoving);
  }

  levels(x, y) {
    const [column, row] = [Math.floor(x), Math.floor(y)];
    if (column < 0 || row < 0 || column >= this.width || row >= this.height) { return null; }
    const start = (row * this.width + column) * this.channels;
    return Array.from(this.values.subarray(start, start + this.channels));
  }

  /** While levels move, large pictures are drawn more coarsely. */
  render(isMoving) {
    const { width, height, channels, values, low } = this;
    const step = isMoving ? Math.max(1, Math.ceil(Math.sqrt(width * height / 1.5e6))) : 1;
    const [columns, rows] = [Math.ceil(width / step), Math.ceil(height / step)];
    if (step !== this.step) {
      this.step = step;
      this.source = new OffscreenCanvas(columns, rows);
    }
    const context = this.source.getContext("2d");
    const image = context.createImageData(columns, rows);
    const target = new Uint32Array(image.data.buffer);
    const gain = 255 / Math.max(1e-12, this.high - low);
    const flip = this.isInverted ? 255 : 0;
    const level = (value) => {
      const shown = (value - low) * gain;
      return flip ^ (shown > 0 ? (shown < 255 ? shown + 0.5 | 0 : 255) : 0);
    };
    for (let row = 0; row < rows; row += 1) {
      let from = row * step * width * channels;
      for (let column = 0; column < columns; column += 1, from += step * channels) {
        const red = level(values[from]);
        target[row * columns + column] = channels >= 3
          ? 0xff000000 | level(values[from + 2]) << 16 | level(values[from + 1]) << 8 | red
          : 0xff000000 | red << 16 | red << 8 | red;
      }
    }
    context.putImageData(image, 0, 0);
  }
}
