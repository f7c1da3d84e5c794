"use strict";
// The takes over a recorded riff: one is A, one is B; both run in step, and a switch is heard at the same place.

class Takes {
  constructor(post) {
    this.post = post;
    this.riffs = [];
    this.chosen = { A: null, B: null };
    this.sounds = { A: new Audio(), B: new Audio() };
    for (const sound of Object.values(this.sounds)) { sound.loop = true; sound.preload = "auto"; }
    this.now = "A";
    $("riff").addEventListener("change", () => this.open());
    $("take-play").addEventListener("click", () => this.play());
    $("ab").addEventListener("click", () => this.turn());
    $("name-take").addEventListener("submit", (event) => { event.preventDefault(); this.name(); });
  }

  async look() {
    const answer = await fetch("api/takes");
    this.riffs = answer.ok ? await answer.json() : [];
    $("takes").hidden = !this.riffs.length;
    const before = $("riff").value;
    $("riff").replaceChildren(...this.riffs.map((one) => new Option(when(one.riff), one.riff)));
    if (this.riffs.some((one) => one.riff === before)) $("riff").value = before;
    if (this.riffs.length) this.open();
  }

  get riff() { return this.riffs.find((one) => one.riff === $("riff").value); }

  open() {
    const takes = this.riff.takes;
    if (this.shown !== this.riff.riff) {
      this.stop();
      this.shown = this.riff.riff;
      this.choose("A", takes.at(-1));
      this.choose("B", takes.at(-2) || takes.at(-1));
    }
    this.paint();
  }

  choose(side, take) {
    this.chosen[side] = take.number;
    const at = this.sounds[side].currentTime || 0, plays = !this.sounds[side].paused;
    this.sounds[side].src = `api/takes/${encodeURIComponent(this.shown)}/${take.number}/sound`;
    this.sounds[side].currentTime = at;
    if (plays) this.sounds[side].play().catch(() => {});
    this.paint();
  }

  paint() {
    $("take-list").replaceChildren(...this.riff.takes.map((take) => {
      const item = document.createElement("li");
      item.className = "take";
      const about = document.createElement("span");
      about.textContent = `${take.name || `take ${take.number}`}: ${take.says || "as it came"}`;
      item.append(about, ...["A", "B"].map((side) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = side;
        button.setAttribute("aria-label", `take ${take.number} as ${side}`);
        press(button, this.chosen[side] === take.number);
        button.addEventListener("click", () => this.choose(side, take));
        return button;
      }));
      return item;
    }));
    const plays = !this.sounds[this.now].paused;
    press($("take-play"), plays);
    text("take-play", plays ? `Stop ${this.now}` : `Play ${this.now}`);
    text("ab", `Switch to ${this.now === "A" ? "B" : "A"}`);
    const a = this.riff.takes.find((take) => take.number === this.chosen.A);
    if (document.activeElement !== $("take-name")) $("take-name").value = a ? a.name : "";
  }

  async play() {
    const sound = this.sounds[this.now];
    if (sound.paused) await sound.play().catch(() => text("takes-say", "the sound does not play here"));
    else sound.pause();
    this.paint();
  }

  stop() { for (const sound of Object.values(this.sounds)) sound.pause(); }

  async turn() {
    const before = this.sounds[this.now], plays = !before.paused;
    this.now = this.now === "A" ? "B" : "A";
    this.sounds[this.now].currentTime = before.currentTime;
    if (plays) {
      await this.sounds[this.now].play().catch(() => {});
      before.pause();
    }
    this.paint();
  }

  async name() {
    const answer = await this.post(`api/takes/${encodeURIComponent(this.shown)}/${this.chosen.A}/name`, { name: $("take-name").value });
    text("takes-say", answer.says);
    this.look();
  }
}
