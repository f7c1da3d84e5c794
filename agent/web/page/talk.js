"use strict";
// Push-to-talk: while the button is held the microphone is recorded, 16-bit, mono, 16 kHz; the laptop recognises it.

const VOICE_HZ = 16000, VOICE_MAX_S = 12;

class Recorder {
  /** Resolves when the microphone is open; rejects where the player or the browser refuses. */
  async open() {
    this.pieces = [];
    this.stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
    this.context = new AudioContext({ sampleRate: VOICE_HZ });
    await this.context.audioWorklet.addModule("microphone.js");
    const node = new AudioWorkletNode(this.context, "microphone");
    node.port.onmessage = (event) => {
      if (this.pieces.length * 128 < VOICE_MAX_S * VOICE_HZ) this.pieces.push(event.data);
    };
    this.context.createMediaStreamSource(this.stream).connect(node);
  }

  /** Ends the recording; returns its samples as an ArrayBuffer. */
  close() {
    for (const track of this.stream ? this.stream.getTracks() : []) track.stop();
    if (this.context) this.context.close();
    const samples = new Int16Array(this.pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of this.pieces) for (const value of piece) samples[at++] = Math.max(-1, Math.min(1, value)) * 32767;
    return samples.buffer;
  }
}

/** Records while `button` is held (finger, mouse, space bar) and gives what was recorded to `done`. */
function pushToTalk(button, done) {
  if (!(window.isSecureContext && navigator.mediaDevices && window.AudioWorkletNode)) return;
  button.hidden = false;
  let recorder = null, opened = null, failed = "";
  const start = () => {
    if (recorder) return;
    failed = "";
    recorder = new Recorder();
    button.setAttribute("aria-pressed", "true");
    button.textContent = "a moment ...";
    opened = recorder.open().then(
      () => { button.textContent = "Speak now"; },
      (cause) => { failed = `no microphone: ${cause.name}`; });
  };
  const end = async () => {
    if (!recorder) return;
    const mine = recorder;
    recorder = null;
    button.setAttribute("aria-pressed", "false");
    await opened;
    const recorded = mine.close();
    button.textContent = failed || "Hold and speak";
    if (recorded.byteLength) done(recorded);
  };
  button.addEventListener("pointerdown", start);
  for (const name of ["pointerup", "pointercancel", "pointerleave", "blur"]) button.addEventListener(name, end);
  button.addEventListener("keydown", (event) => { if (event.key === " " && !event.repeat) { event.preventDefault(); start(); } });
  button.addEventListener("keyup", (event) => { if (event.key === " ") { event.preventDefault(); end(); } });
}
