"use strict";
// Draws piano-rolls: Roll on a canvas, notes as [part, on_s, off_s, pitch, velocity].

const COLOURS = { bass: "#6fdc8c", drums: "#f2b84b", chords: "#5db7f0", line: "#b58cf5" };
const DRUM_ROWS = { 36: 0, 35: 0, 38: 1, 40: 1, 37: 1, 42: 2, 44: 2, 46: 2, 51: 3, 59: 3, 53: 3, 49: 4, 57: 4, 55: 4, 52: 4 };

class Roll {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.low = 28;
    this.high = 88;
  }

  /** Clears the canvas and sets the seconds that are seen. */
  begin(from, until) {
    const scale = Math.min(window.devicePixelRatio || 1, 2);
    const width = Math.round(this.canvas.clientWidth * scale);
    const height = Math.round(this.canvas.clientHeight * scale);
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    Object.assign(this, { from, until, width, height, band: height * 0.26 });
    this.context.clearRect(0, 0, width, height);
  }

  x(at) {
    return ((at - this.from) / (this.until - this.from)) * this.width;
  }

  line(at, colour, thick) {
    const x = this.x(at);
    if (x < 0 || x > this.width) return;
    this.context.fillStyle = colour;
    this.context.fillRect(x - thick / 2, 0, thick, this.height);
  }

  note([part, on, off, pitch, velocity], alpha) {
    if (off < this.from || on > this.until) return;
    const c = this.context;
    const x = this.x(on);
    c.globalAlpha = alpha * (0.45 + (0.55 * velocity) / 127);
    c.fillStyle = COLOURS[part] || "#a9b4be";
    if (part === "drums") {
      const row = DRUM_ROWS[pitch] ?? 2.5;
      const size = this.band / 6;
      c.fillRect(x, this.height - (row + 1) * (this.band / 5) + size * 0.1, Math.max(size * 0.7, 2), size * 0.8);
    } else {
      const rows = this.high - this.low + 1;
      const room = this.height - this.band;
      const size = Math.max(room / rows, 2);
      const y = room - ((Math.min(Math.max(pitch, this.low), this.high) - this.low + 1) / rows) * room;
      c.fillRect(x, y, Math.max(this.x(off) - x - 1, 2), size);
    }
    c.globalAlpha = 1;
  }
}
