"use strict";
// Runs where the browser's sound is made: gives each piece of the microphone to the page.
class Microphone extends AudioWorkletProcessor {
  process(inputs) {
    if (inputs[0].length) this.port.postMessage(inputs[0][0].slice());
    return true;
  }
}
registerProcessor("microphone", Microphone);
