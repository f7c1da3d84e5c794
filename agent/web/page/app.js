"use strict";
// The remote. One WebSocket; the server's views are the truth, nothing here is remembered but phrases and the open page.

const $ = (id) => document.getElementById(id);
const AHEAD_S = 6, BEHIND_S = 4, HOLD_LOCK_MS = 700, HOLD_SLIDER_MS = 1000, AGAIN_MS = [300, 1500], SILENCE_DB = -60;
const CHIPS = ["less snare", "lay back", "more tension", "don't resolve it", "busier", "sparser"];

const state = {
  socket: null, asked: new Map(), number: 0, wait: AGAIN_MS[0], view: null, status: null, at: 0, skew: 0,
  notes: [], maybe: [], bar: null, peaks: {}, session: null, dead: 0,
  lists: { dials: [], lanes: [], faders: {}, meters: [] },  // what can be set, as the laptop says
};

// -- the link --------------------------------------------------------------------------------------------------------

async function begin() {
  const code = location.hash.slice(1);
  if (code) {
    history.replaceState(null, "", location.pathname);
    await pair(code);
  }
  let who;
  try {
    who = await (await fetch("api/who")).json();
  } catch {
    link("no laptop in reach");
    show("play");
    text("why", "No laptop in reach: is Antiphon on, and this device in its network?");
    setTimeout(begin, 1000);
    return;
  }
  controls(who);
  $("pairing").hidden = who.paired;
  if (!who.paired) {
    link("not paired");
    $("code").focus();
    return;
  }
  show(sessionStorage.tab || "play");
  connect();
}

async function pair(code) {
  const asked = { code, name: $("device").value };
  const answer = await post("api/pair", asked);
  $("pair-says").textContent = answer.ok ? "" : answer.says;
  return answer.ok;
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/api/live`);
  state.socket = socket;
  link("connecting");
  socket.onopen = () => { state.wait = AGAIN_MS[0]; link("linked, no session"); };
  socket.onmessage = (event) => receive(JSON.parse(event.data));
  socket.onclose = (event) => {
    for (const done of state.asked.values()) done({ ok: false, says: "the link was lost" });
    state.asked.clear();
    view(null);
    if (event.code === 4401 || event.code === 1000) { begin(); return; }
    link("link lost, trying again");
    setTimeout(connect, state.wait);
    state.wait = Math.min(state.wait * 1.5, AGAIN_MS[1]);
  };
}

function receive(message) {
  if ("view" in message) view(message.view);
  else if (message.told) told(message.told);
  else if (state.asked.has(message.id)) {
    const done = state.asked.get(message.id);
    state.asked.delete(message.id);
    done(message);
  }
}

/** Sends one command line; resolves with {ok, says}. */
function say(text) {
  return new Promise((done) => {
    if (!state.socket || state.socket.readyState !== WebSocket.OPEN) {
      done({ ok: false, says: "no link to the laptop" });
      return;
    }
    const id = ++state.number;
    state.asked.set(id, done);
    state.socket.send(JSON.stringify({ say: text, id }));
  });
}

async function command(text) {
  const answer = await say(text);
  note(answer.says, answer.ok);
  return answer;
}

const post = (path, body) => sent(path, JSON.stringify(body));

async function sent(path, body) {
  try {
    const answer = await fetch(path, { method: "POST", body });
    return await answer.json();
  } catch {
    return { ok: false, says: "the laptop did not answer" };
  }
}

// -- what is shown ---------------------------------------------------------------------------------------------------

function link(text) { $("link").textContent = text; }

let noteTimer;
function note(text, ok = true) {
  const long = text.includes("\n");
  if (long) { $("tool").textContent = text; text = text.split("\n")[0]; }
  $("told").textContent = text;
  $("told").classList.add("shown");
  $("says").textContent = text;
  clearTimeout(noteTimer);
  noteTimer = setTimeout(() => $("told").classList.remove("shown"), ok ? 2500 : 5000);
}

function told({ by, text, says }) {
  note(`${by}: ${text} – ${says}`);
  if (text.startsWith("say ")) talk(`${by}: ${text.slice(4)}`, says);
}

function view(next) {
  state.view = next;
  if (!next) {
    state.status = null;
    state.notes = [];
    state.maybe = [];
    link("no session runs");
    paint({});
    return;
  }
  const now = performance.now() / 1000;
  state.skew = state.at && now - state.at < 0.5 ? Math.max(state.skew - 0.002, next.t - now) : next.t - now;
  if (Math.abs(next.t - now - state.skew) > 0.5) state.skew = next.t - now;
  state.at = now;
  state.status = next.status;
  for (const one of next.notes) keep(one);
  if (next.maybe) state.maybe = next.maybe;
  state.bar = next.bar || null;
  const old = next.t - BEHIND_S - 2;
  state.notes = state.notes.filter((one) => one[2] > old).slice(-600);
  paint(next.status);
}

/** A note that was heard is told when it begins and again when it ends. */
function keep(one) {
  const at = state.notes.findIndex((other) => other[0] === one[0] && other[1] === one[1] && (one[0] === "bass" || other[3] === one[3]));
  if (at >= 0) state.notes[at] = one;
  else state.notes.push(one);
}

function text(id, value) {
  if ($(id).textContent !== value) $(id).textContent = value;
}

function paint(status) {
  const running = state.view !== null;
  text("tempo", status.tempo_bpm ? status.tempo_bpm.toFixed(0) : "–");
  text("meter", status.meter || "–");
  text("place", status.bar ? `${status.bar}:${status.beat}` : "–");
  const [place, names = "", coming = ""] = (status.song && status.song !== "-" ? status.song : "").split("  ");
  const chords = names.split(" ");
  text("chord-now", chords[0] || status.chord || "–");
  text("chord-next", chords[1] || chords[0] || "–");
  const announced = coming === status.leads ? "" : coming;
  text("phrase", place || "–");
  text("coming", announced ? `then a ${announced}` : "phrase");
  $("coming").classList.toggle("soon", Boolean(announced));
  text("why", running ? status.why || status.leads || "" : "No session runs on the laptop: start antiphon jam or antiphon daemon.");
  if (running) {
    link(status.listening ? `${status.state}${status.key ? ", " + status.key : ""}${status.note ? ", hears " + status.note : ""}` : "starting");
  }
  unasked(status.message);
  dots(status);
  meters(status);
  channels();
  song(status.book);
  light(status);
  for (const button of document.querySelectorAll("#modes button")) {
    press(button, status.mode === button.dataset.say.slice(5));
  }
  parts(status.on || {});
  mood(status.mood);
  for (const dial of state.lists.dials) {
    const slider = $(`dial-${dial}`);
    if (slider && !held(slider)) {
      const value = (status.dials || {})[dial];
      slider.value = typeof value === "number" ? value : 0.5;
      text(`dial-${dial}-says`, typeof value === "number" ? value.toFixed(2) : "free");
    }
  }
  const lane = (status.faders || {})[$("lane").value] || {};
  for (const [what, [field]] of Object.entries(state.lists.faders)) {
    const slider = $(`fader-${what}`);
    if (!held(slider)) slider.value = lane[field] || 0;
    text(`fader-${what}-says`, what === "level" ? `${Math.round(lane[field] || 0)} dB` : (lane[field] || 0).toFixed(1));
  }
  const behind = $("dial-behind");
  if (behind && !held(behind)) {
    behind.value = status.behind_ms || 0;
    text("dial-behind-says", `${Math.round(status.behind_ms || 0)} ms`);
  }
}

/** Music that nobody plays: a button for each mood; without one, practice for the player. */
function mood(now) {
  $("mood").hidden = !now;
  $("practice").hidden = Boolean(now);
  if (!now) return;
  if (!$("moods").children.length) {
    $("moods").replaceChildren(...now.known.map((name) => {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.say = `mood ${name}`;
      button.textContent = name;
      return button;
    }));
  }
  text("mood-says", `now: ${now.words}`);
  for (const button of $("moods").children) press(button, now.words === button.textContent);
}

/** Whether a slider is under the finger, or was so lately that the laptop may not have said yet where it stands. */
function held(slider) {
  return document.activeElement === slider || performance.now() < (slider.movedAt || 0) + HOLD_SLIDER_MS;
}

/** What the band says by itself: an idea, a hint. */
function unasked(message) {
  if (!message || message === state.message) return;
  state.message = message;
  text("says", message);
  if (![...$("talk").children].slice(0, 4).some((item) => item.textContent === message)) talk("", message);
}

function press(button, on) {
  const value = String(Boolean(on));
  if (button.getAttribute("aria-pressed") !== value) button.setAttribute("aria-pressed", value);
}

function dots(status) {
  const count = status.meter ? parseInt(status.meter, 10) : 0;
  const holder = $("dots");
  if (holder.children.length !== count) holder.replaceChildren(...Array.from({ length: count }, () => document.createElement("i")));
  [...holder.children].forEach((dot, at) => {
    const now = at + 1 === status.beat;
    dot.className = now ? (at ? "now" : "now one") : "";
  });
}

function meters(status) {
  const levels = state.view ? { bass: status.level_db, ...state.view.levels } : {};
  const holder = $("meters");
  for (const [name, db] of Object.entries(levels)) {
    let meter = $(`meter-${name}`);
    if (!meter) {
      meter = document.createElement("div");
      meter.className = "meter";
      meter.id = `meter-${name}`;
      meter.innerHTML = "<span></span><div class='bar' role='meter' aria-valuemin='-60' aria-valuemax='0'><i></i><b></b></div><span></span>";
      meter.firstChild.textContent = name;
      meter.querySelector(".bar").setAttribute("aria-label", `level of ${name}, dB`);
      meter.querySelector("i").style.background = COLOURS[name] || "";
      holder.append(meter);
    }
    const now = performance.now();
    const peak = state.peaks[name];
    if (!peak || db >= peak.db || now - peak.at > 1500) state.peaks[name] = { db, at: now };
    const share = (value) => Math.min(Math.max(1 - value / SILENCE_DB, 0), 1);
    meter.querySelector("i").style.transform = `scaleX(${share(db).toFixed(3)})`;
    meter.querySelector("b").style.left = `calc(${(share(state.peaks[name].db) * 100).toFixed(1)}% - 3px)`;
    meter.querySelector(".bar").setAttribute("aria-valuenow", Math.round(Math.max(db, SILENCE_DB)));
    meter.lastChild.textContent = db > -100 ? `${db.toFixed(0)} dB` : "silent";
  }
}

/** The input's channels, each a meter; a tap chooses the one that carries the bass, from the next start on. */
function channels() {
  const levels = (state.view && state.view.channels) || [];
  $("channels").hidden = levels.length < 2;
  if ($("setup").hidden || levels.length < 2) return;
  const holder = $("channel-list");
  if (holder.children.length !== levels.length) {
    holder.replaceChildren(...levels.map((_, at) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "channel";
      button.append(document.createElement("i"), String(at + 1));
      button.setAttribute("aria-label", `channel ${at + 1}`);
      button.addEventListener("click", () => change("audio.input_channel", String(at + 1)));
      return button;
    }));
  }
  levels.forEach((db, at) => {
    holder.children[at].firstChild.style.transform = `scaleY(${Math.min(Math.max(1 - db / SILENCE_DB, 0), 1).toFixed(2)})`;
  });
}

/** The song: its sections, what plays and what comes, the set list; drawn anew only when it has changed. */
function song(book) {
  const now = JSON.stringify(book || null);
  if (state.book === now) return;
  state.book = now;
  const { name = "", sections = [], order = [], playing = "", coming = "", songs = [] } = book || {};
  text("song-name", name || "No song yet");
  text("song-says", coming ? `to the ${coming} next` : sections.length ? (order.length ? `order: ${order.join(" ")}` : "") : "Play something and take it, or open a song.");
  $("sections").replaceChildren(...sections.map((one) => {
    const item = document.createElement("li");
    const go = document.createElement("button");
    go.type = "button";
    go.textContent = one.name;
    const about = document.createElement("small");
    about.textContent = one.told;
    go.append(about);
    go.classList.toggle("coming", one.name === coming);
    press(go, one.name === playing && !coming);
    go.addEventListener("click", () => command(`to ${one.name}`));
    item.append(go);
    if (one.sound) {
      const loop = document.createElement("button");
      loop.type = "button";
      loop.textContent = "Loop";
      loop.setAttribute("aria-label", `loop ${one.name}`);
      loop.addEventListener("click", () => command(`loop ${one.name}`));
      item.append(loop);
    }
    return item;
  }));
  const chosen = $("songs").value;
  $("songs").replaceChildren(...songs.map((one) => new Option(one, one)));
  if (songs.includes(chosen)) $("songs").value = chosen;
}

function light(status) {
  const counts = status.counts || {};
  const bad = (counts.late || 0) + (counts.dropped || 0) + (counts.xruns || 0);
  if (bad > state.dead) state.badAt = performance.now();
  state.dead = bad;
  const recent = state.badAt && performance.now() - state.badAt < 5000;
  $("light").className = recent ? "late" : "";
  $("light").setAttribute("aria-label", `timing: ${counts.late || 0} late, ${counts.dropped || 0} dropped, ${counts.xruns || 0} xruns`);
}

function parts(on) {
  const holder = $("parts");
  for (const [name, playing] of Object.entries(on)) {
    let button = $(`part-${name}`);
    if (!button) {
      button = document.createElement("button");
      button.type = "button";
      button.id = `part-${name}`;
      button.textContent = name;
      button.addEventListener("click", () => command(`${button.getAttribute("aria-pressed") === "true" ? "mute" : "unmute"} ${name}`));
      const solo = document.createElement("button");
      solo.type = "button";
      solo.textContent = `only ${name}`;
      solo.addEventListener("click", async () => {
        for (const other of Object.keys(state.status ? state.status.on : {})) await command(`${other === name ? "unmute" : "mute"} ${other}`);
      });
      holder.append(button, solo);
    }
    press(button, playing);
  }
}

// -- the waterfall ---------------------------------------------------------------------------------------------------

const roll = new Roll($("roll"));

function draw() {
  requestAnimationFrame(draw);
  if ($("play").hidden || document.hidden) return;
  const now = performance.now() / 1000 + state.skew;
  roll.begin(now - BEHIND_S, now + AHEAD_S);
  if (!state.view) return;
  if (state.bar) {
    const [start, period, beats] = state.bar;
    const bar = period * beats;
    for (let at = start + Math.ceil((now - BEHIND_S - start) / bar) * bar; at < now + AHEAD_S; at += bar) roll.line(at, "#38424c", 2);
  }
  for (const one of state.maybe) roll.note(one, 0.35);
  for (const one of state.notes) roll.note(one, 1);
  roll.line(now, "#f2f4f5", 2);
}

// -- controls --------------------------------------------------------------------------------------------------------

function show(tab) {
  sessionStorage.tab = tab;
  for (const section of document.querySelectorAll(".tab")) section.hidden = section.id !== tab;
  for (const button of document.querySelectorAll("nav button")) {
    if (button.dataset.tab === tab) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
  if (tab === "sessions") sessions();
  if (tab === "song") takes.look();
  else takes.stop();
  if (tab === "setup") settings();
}

/** Makes the controls of what the laptop says can be set, once. */
function controls(who) {
  if (state.lists.dials.length) return;
  state.lists = who;
  verbs(who.verbs);
  dials();
  mixer();
  $("meter-given").append(...who.meters.map((meter) => new Option(meter, meter)));
  $("odd-meter").append(...who.meters.map((meter) => new Option(meter, meter)));
  if (who.meters.includes("7/8")) $("odd-meter").value = "7/8";
}

$("mood-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if ($("mood-words").value.trim()) command(`mood ${$("mood-words").value.trim()}`);
});

function verbs(table) {
  $("verb").replaceChildren(...Object.keys(table).map((name) => new Option(name, name)));
  const means = () => { text("verb-means", `${$("verb").value} ${table[$("verb").value].takes}: ${table[$("verb").value].means}`); };
  $("verb").onchange = means;
  means();
}

function dials() {
  const rows = [...state.lists.dials.map((name) => [name, 0, 1, 0.05]), ["behind", -60, 60, 5]];
  $("dials").replaceChildren(...rows.map(([name, low, high, step]) => {
    const row = document.createElement("div");
    row.className = "dial";
    const label = document.createElement("label");
    label.htmlFor = `dial-${name}`;
    label.textContent = name;
    const slider = document.createElement("input");
    Object.assign(slider, { type: "range", id: `dial-${name}`, min: low, max: high, step });
    const free = document.createElement("button");
    free.type = "button";
    free.id = `dial-${name}-says`;
    free.setAttribute("aria-label", name === "behind" ? "on the beat" : `${name}: the band decides`);
    free.textContent = name === "behind" ? "0 ms" : "free";
    slider.addEventListener("change", () => {
      command(name === "behind" ? `behind ${slider.value}` : `dial ${name} ${slider.value}`);
      slider.movedAt = performance.now();
      slider.blur();
    });
    free.addEventListener("click", () => command(name === "behind" ? "behind 0" : `dial ${name} off`));
    row.append(label, slider, free);
    return row;
  }));
}

function mixer() {
  $("lane").replaceChildren(...state.lists.lanes.map((lane) => new Option(lane.replace("_", " "), lane)));
  $("faders").replaceChildren(...Object.entries(state.lists.faders).map(([what, [, low, high]]) => {
    const row = document.createElement("div");
    row.className = "dial";
    const label = document.createElement("label");
    label.htmlFor = `fader-${what}`;
    label.textContent = what;
    const slider = document.createElement("input");
    Object.assign(slider, { type: "range", id: `fader-${what}`, min: low, max: high, step: high > 1 ? 1 : 0.1, value: 0 });
    const says = document.createElement("output");
    says.id = `fader-${what}-says`;
    says.htmlFor = slider.id;
    slider.addEventListener("change", () => { command(`mix ${$("lane").value} ${what} ${slider.value}`); slider.movedAt = performance.now(); slider.blur(); });
    row.append(label, slider, says);
    return row;
  }));
}

function chips() {
  const lately = JSON.parse(localStorage.said || "[]");
  $("chips").replaceChildren(...[...new Set([...lately, ...CHIPS])].slice(0, 8).map((words) => {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.textContent = words;
    chip.addEventListener("click", () => sentence(words));
    return chip;
  }));
}

async function sentence(words) {
  const answer = await command(`say ${words}`);
  talk(words, answer.says);
  const lately = JSON.parse(localStorage.said || "[]").filter((one) => one !== words);
  localStorage.said = JSON.stringify([words, ...lately].slice(0, 6));
  chips();
}

function talk(words, says) {
  const [one, other] = ["you", "band"].map((name, at) => {
    const item = document.createElement("li");
    item.className = name;
    item.textContent = at ? says : words;
    return item;
  });
  $("talk").prepend(...(words ? [one, other] : [other]));
  while ($("talk").children.length > 40) $("talk").lastChild.remove();
}

/** A long press locks and unlocks: one stray touch does nothing. */
function lock() {
  let timer = null;
  const end = () => { clearTimeout(timer); timer = null; };
  const start = () => {
    end();
    timer = setTimeout(() => {
      const locked = document.body.classList.toggle("locked");
      press($("lock"), locked);
      $("lock").textContent = locked ? "Hold to unlock" : "Lock";
      if (locked) show("play");
    }, HOLD_LOCK_MS);
  };
  $("lock").addEventListener("pointerdown", start);
  for (const name of ["pointerup", "pointerleave", "pointercancel"]) $("lock").addEventListener(name, end);
  $("lock").addEventListener("keydown", (event) => { if (!event.repeat && (event.key === "Enter" || event.key === " ")) start(); });
  $("lock").addEventListener("keyup", end);
  $("lock").addEventListener("click", () => note("hold the button to lock or unlock"));
}

// -- sessions --------------------------------------------------------------------------------------------------------

async function sessions() {
  const answer = await fetch("api/sessions");
  if (!answer.ok) return;
  const found = await answer.json();
  text("sessions-say", found.length ? "" : "No session is recorded yet.");
  $("session-list").replaceChildren(...found.map((one) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `${one.name || when(one.session)}, ${clock(one.seconds)}${one.marks.length ? `, ${one.marks.length} marked` : ""}`;
    button.addEventListener("click", () => open(one));
    item.append(button);
    return item;
  }));
}

function when(name) {
  const [, year, month, day, hour, minute] = name.match(/^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)/) || [];
  if (!year) return name;
  return new Date(year, month - 1, day, hour, minute).toLocaleString(undefined, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
const sessionRoll = new Roll($("session-roll"));

async function open(one) {
  state.session = { ...one, notes: [] };
  $("player").hidden = false;
  text("player-name", one.name || when(one.session));
  $("session-name").value = one.name;
  const at = `api/sessions/${encodeURIComponent(one.session)}`;
  $("zip").href = `${at}/zip`;
  const tracks = [...(one.mix ? [one.mix] : []), ...one.stems];
  $("stems").replaceChildren(...tracks.map((file) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = file.replace(/\.\w+$/, "");
    button.addEventListener("click", () => track(at, file));
    return button;
  }));
  if (tracks.length) track(at, tracks[0], false);
  marks();
  const answer = await fetch(`${at}/notes`);
  if (answer.ok && state.session.session === one.session) state.session.notes = (await answer.json()).notes;
  text("sessions-say", answer.ok ? "" : (await answer.json()).says);
  drawSession();
}

function track(at, file, plays = true) {
  const audio = $("audio");
  const since = audio.currentTime || 0;
  audio.src = `${at}/files/${encodeURIComponent(file)}`;
  audio.currentTime = since;
  for (const button of $("stems").children) press(button, button.textContent === file.replace(/\.\w+$/, ""));
  if (plays) audio.play().catch(() => {});
}

function drawSession() {
  if ($("sessions").hidden || !state.session) return;
  const now = $("audio").currentTime || 0;
  sessionRoll.begin(now - 4, now + 8);
  for (const one of state.session.notes) sessionRoll.note(one, one[1] <= now ? 1 : 0.6);
  for (const mark of state.session.marks) sessionRoll.line(mark.at_s, "#f2b84b", 2);
  sessionRoll.line(now, "#f2f4f5", 2);
  if (!$("audio").paused) requestAnimationFrame(drawSession);
}

function marks() {
  $("marks").replaceChildren(...state.session.marks.map((mark) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `${clock(mark.at_s)} ${mark.text}`;
    button.addEventListener("click", () => { $("audio").currentTime = mark.at_s; drawSession(); });
    item.append(button);
    return item;
  }));
}

async function label(change) {
  const answer = await post(`api/sessions/${encodeURIComponent(state.session.session)}/label`, change);
  text("sessions-say", answer.says);
  if (answer.ok) Object.assign(state.session, { name: answer.name, marks: answer.marks });
  marks();
  sessions();
}

async function settings() {
  const answer = await fetch("api/settings");
  if (!answer.ok) { text("setting-says", (await answer.json()).says); return; }
  const { file, settings: values } = await answer.json();
  const chosen = $("key").value;
  $("key").replaceChildren(...Object.keys(values).map((key) => new Option(key, key)));
  if (chosen in values) $("key").value = chosen;
  const fill = () => {
    const value = values[$("key").value];
    $("value").value = value === null ? "null" : String(value);
    $("choices").replaceChildren();
  };
  $("key").onchange = fill;
  fill();
  text("setting-says", file);
}

/** Offers the devices and MIDI ports that are there, where a setting names one; they are looked for once. */
async function ports() {
  const key = $("key").value, holder = $("choices");
  if (holder.children.length || !["audio.input", "audio.output", "midi.port", "midi.input"].includes(key)) return;
  try {
    state.ports = state.ports || JSON.parse((await (await fetch("api/tools/ports")).json()).says);
    const found = state.ports;
    const side = key === "midi.port" || key === "audio.output" ? "outputs" : "inputs";
    const names = key.startsWith("midi") ? found.midi.flatMap((api) => api[side]) : found.audio.filter((one) => one[side]).map((one) => one.name);
    if ($("key").value === key) holder.replaceChildren(...[...new Set(names)].map((name) => new Option(name, name)));
  } catch { /* what is there is typed */ }
}

async function change(key, value) {
  const answer = await post("api/settings", { key, value });
  await settings();
  text("setting-says", answer.says);
}

async function tool(name) {
  text("tool", "a moment ...");
  const answer = await fetch(`api/tools/${name}`);
  text("tool", (await answer.json()).says);
}

// -- begin -----------------------------------------------------------------------------------------------------------

function listen() {
  document.addEventListener("pointerdown", (event) => {
    const button = event.target.closest("[data-quick]");  // at the touch, not at its end
    if (button && event.button === 0) { button.dataset.down = "1"; command(button.dataset.say); }
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-say]");
    if (!button) return;
    if (button.dataset.down) delete button.dataset.down;
    else command(button.dataset.say);
  });
  for (const button of document.querySelectorAll("nav button")) button.addEventListener("click", () => show(button.dataset.tab));
  on("pair", async () => { if (await pair($("code").value)) begin(); });
  on("sentence", () => { const words = $("words").value.trim(); if (words) sentence(words); $("words").value = ""; });
  on("command", () => command(`${$("verb").value} ${$("argument").value}`.trim()));
  on("keep", () => { command(`section ${$("section-name").value}`); $("section-name").value = ""; });
  on("odd", () => command(`bar ${$("odd-bar").value} ${$("odd-meter").value}`));
  on("chart", () => command(`chart ${$("chart-name").value} ${$("chart-chords").value}`));
  on("order", () => command(`song order ${$("order-names").value}`));
  on("rename-song", () => command(`song name ${$("song-new-name").value}`));
  on("open-song", () => command(`song ${$("songs").value}`));
  on("rename", () => label({ name: $("session-name").value }));
  on("pedal", () => command(`learn ${$("pedal-command").value}`));
  $("value").addEventListener("focus", ports);
  on("setting", () => change($("key").value, $("value").value));
  $("tempo-set").addEventListener("click", () => command(`tempo ${$("tempo-given").value || "off"}`));
  $("meter-set").addEventListener("click", () => command(`meter ${$("meter-given").value}`));
  $("lane").addEventListener("change", () => paint(state.status || {}));
  $("mix-mute").addEventListener("click", () => command(`mix ${$("lane").value} level ${state.lists.faders.level[1]}`));
  $("mix-off").addEventListener("click", () => command(`mix ${$("lane").value} off`));
  $("mark").addEventListener("click", () => label({ marks: [...state.session.marks, { at_s: $("audio").currentTime || 0, text: "good" }] }));
  twice($("stop"), "Stop the session", () => command("stop"));
  twice($("unlearn"), "Forget all", () => command("unlearn"));
  twice($("delete"), "Delete: press twice", async () => {
    const answer = await post(`api/sessions/${encodeURIComponent(state.session.session)}/delete`, {});
    text("sessions-say", answer.says);
    if (answer.ok) { $("audio").removeAttribute("src"); $("audio").load(); $("player").hidden = true; }
    sessions();
  });
  $("sessions-again").addEventListener("click", sessions);
  for (const button of document.querySelectorAll("[data-tool]")) button.addEventListener("click", () => tool(button.dataset.tool));
  twice($("calibrate"), "Measure the latency", () => tool("calibrate"));
  pushToTalk($("talk-button"), async (recorded) => {
    const answer = await sent("api/voice", recorded);
    note(answer.says, answer.ok);
    talk(answer.heard || "...", answer.says);
  });
  for (const name of ["play", "seeked", "timeupdate"]) $("audio").addEventListener(name, drawSession);
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("worker.js").catch(() => {});
}

function on(form, action) {
  $(form).addEventListener("submit", (event) => { event.preventDefault(); action(); });
}

/** What cannot be undone wants a second press within three seconds. */
function twice(button, usual, action) {
  let timer = null;
  button.addEventListener("click", () => {
    if (timer) { clearTimeout(timer); timer = null; button.textContent = usual; action(); return; }
    button.textContent = button.id === "calibrate" ? "It chirps: press again" : "Press again to do it";
    timer = setTimeout(() => { timer = null; button.textContent = usual; }, 3000);
  });
}

const takes = new Takes(post);
listen();
chips();
lock();
requestAnimationFrame(draw);
begin();
