"""A blind sheet: clips of band, rule and truth of each song, named by number alone, for people and for eyes to rate.

    python -m benchmarks.blind -o OUT [--songs N] [--only GLOB] [--replies DIR] [--antiphon CMD]   make it
    python -m benchmarks.blind -o OUT --serve [PORT]         rate it in a browser; answers go to OUT/answers.json
    python -m benchmarks.blind -o OUT --open ANSWERS         open the key: the table, worst first

Songs of ../shared/band_score. Each clip has the first bars under the bass and as many from the middle of the song;
band, rule and truth play the same bass on the same instruments (a real band's further parts are left out) at one
loudness (ITU-R BS.1770). OUT/sheet is the page with its clips (MP3) and pictures (piano-rolls with velocities as
colour, and the sound's spectrogram), in random order; it can be handed on. OUT/key.json says what is what: not for the
rater. Answers are downloaded as JSON, or sent to --serve, which listens on this machine alone;
OUT/sheet/blank_answers.json is to be filled in by hand. --open appends a row to benchmarks/results.jsonl.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.common import band_score, results

matplotlib.use("Agg")

SYSTEMS = {"band": "reply", "rule": "rule", "truth": "truth"}  # as the table names them -> file of a song's folder
BARS, LONGEST_S, PAUSE_S = 8, 20.0, 0.7  # of an excerpt; between two
SCORES = range(1, 6)
LARGEST_ANSWER = 4_000_000  # bytes that --serve takes


@dataclass(frozen=True, slots=True)
class Clip:
    """What a number stands for. bars: (first, last) of each excerpt, counted from 1."""

    song: str
    system: str
    bars: tuple[tuple[int, int], ...]


def excerpts(bars: Sequence[Any], bass: Sequence[Any], seconds_a_tick: float, count: int = BARS) -> list[list[Any]]:
    """Return the bars of the start and of the middle: there on a multiple of four from the first, near half way, where
    the bass plays in most bars. bass: its notes, start first."""
    while count > 2 and sum(bar.ticks for bar in bars[:count]) * seconds_a_tick > LONGEST_S:
        count -= 2

    def played(at: int) -> bool:
        some = bars[at : at + count]
        busy = sum(any(bar.start <= note[0] < bar.start + bar.ticks for note in bass) for bar in some)
        return len(some) == count and busy >= 0.75 * count

    near = sorted(range(0, len(bars), 4), key=lambda at: abs(at - len(bars) / 2))
    middle = next((at for at in near if at >= count and played(at)), None)
    return [list(bars[:count])] + ([list(bars[middle : middle + count])] if middle is not None else [])


# ---- making it


def make(folders: Sequence[Path], out: Path, seed: int, count: int) -> dict[str, Clip]:
    """Write OUT/sheet and return number -> clip. The order is random; all files are as old as each other.

    Clips that an interrupted run made of the same notes are kept (OUT/made.json).
    """
    from benchmarks.common.band_sound import Band

    rng = np.random.default_rng(seed)
    found = [(folder, system) for folder in folders for system in SYSTEMS if _file(folder, system).exists()]
    numbers = 1 + rng.permutation(len(found))
    for name in ("clips", "pictures"):
        (out / "sheet" / name).mkdir(parents=True, exist_ok=True)
    made = out / "made.json"
    known = json.loads(made.read_text(encoding="utf-8")) if made.exists() else {}
    band, key = Band(), {}
    for (folder, system), number in zip(tqdm(found, desc="clips", disable=None), numbers.tolist(), strict=True):
        name = f"{number:03d}"
        parts = _parts(folder, count)
        key[name] = Clip(folder.name, system, tuple((some[0].index + 1, some[-1].index + 1) for some in parts))
        notes = hashlib.sha256(_file(folder, system).read_bytes() + (folder / "bass.mid").read_bytes()).hexdigest()
        if known.get(name) != f"{notes} {key[name].bars}":
            _clip(band, folder, SYSTEMS[system], name, out / "sheet", parts)
            known[name] = f"{notes} {key[name].bars}"
            made.write_text(json.dumps(known), encoding="utf-8")
    band.close()
    names = sorted(key)
    for path in (out / "sheet").glob("*/*"):
        os.utime(path, (0, 0))
    (out / "sheet" / "index.html").write_text(PAGE.replace("/*NAMES*/", json.dumps(names)), encoding="utf-8")
    blank = {name: {"keep": None, "score": None, "reason": ""} for name in names}
    (out / "sheet" / "blank_answers.json").write_text(json.dumps(blank, indent=1), encoding="utf-8")
    told = {name: {"song": c.song, "system": c.system, "bars": c.bars} for name, c in sorted(key.items())}
    (out / "key.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    return key


def _file(folder: Path, system: str) -> Path:
    return folder / f"{SYSTEMS[system]}.mid"


def _parts(folder: Path, count: int) -> list[list[Any]]:
    """Return the excerpts of a song, the same for all its systems."""
    from benchmarks.common.band_sound import Timeline

    time, bass, bars = Timeline.of(folder / "bass.mid"), band_score.read(folder, "bass"), band_score.playing(folder)
    first, last = bars[0].start, bars[-1].start + bars[-1].ticks
    return excerpts(bars, bass.parts["bass"], (time.at(last / 4) - time.at(first / 4)) / (last - first), count)


def _clip(band: Any, folder: Path, system: str, name: str, sheet: Path, parts: Sequence[Sequence[Any]]) -> None:
    """Write the sound and the picture of one clip."""
    import soundfile

    from benchmarks.common import band_sound

    time = band_sound.Timeline.of(folder / "bass.mid")
    song, bass = band_score.read(folder, system), band_score.read(folder, "bass")
    notes = band_sound.notes_of(folder / f"{system}.mid", time)
    notes["bass"] = band_sound.notes_of(folder / "bass.mid", time)["bass"]
    sounds = []
    for some in parts:
        end = some[-1].start + some[-1].ticks
        sounds.append(band.play(notes, time.at(some[0].start / 4) - band_sound.LEAD_S, time.at(end / 4)))
    pause = np.zeros((round(PAUSE_S * band_sound.RATE), 2), np.float32)
    whole = np.concatenate([piece for sound in sounds for piece in (sound, pause)][:-1])
    level = band_sound.matched(whole)
    soundfile.write(sheet / "clips" / f"{name}.mp3", level, band_sound.RATE, format="MP3", subtype="MPEG_LAYER_III")
    shown = {**{part: song.parts.get(part, []) for part in band_sound.PARTS}, "bass": bass.parts["bass"]}
    _picture(sheet / "pictures" / f"{name}.png", name, shown, parts, sounds)


def _picture(
    path: Path, name: str, notes: dict[str, Any], parts: Sequence[Sequence[Any]], sounds: Sequence[Any]
) -> None:
    """Draw bass, drums, chords, line and the sound, an excerpt a column. Bars are counted from the excerpt's first."""
    from matplotlib.figure import Figure

    from benchmarks.common import band_picture

    figure = Figure(figsize=(8.5 * len(parts), 8.4), dpi=85)
    grid = figure.subplots(5, len(parts), squeeze=False, height_ratios=[2, 2.4, 3, 3, 2.4])
    figure.subplots_adjust(left=0.04, right=0.995, top=0.97, bottom=0.01, wspace=0.07, hspace=0.1)
    for column, (bars, sound) in enumerate(zip(parts, sounds, strict=True)):
        for row, part in enumerate(("bass", "drums", "chords", "line")):
            band_picture.draw_part(grid[row, column], part, notes[part], bars)
            grid[row, column].set_ylabel(part, fontsize=7)
        axes = grid[3, column]
        numbers = [str(at + 1) for at in range(len(bars))]
        axes.set_xticks([bar.start for bar in bars], numbers, fontsize=6)
        band_picture.draw_spectrogram(grid[4, column], sound)
        meters = " ".join(dict.fromkeys(f"{bar.meter[0]}/{bar.meter[1]}" for bar in bars))
        grid[0, column].set_title(f"clip {name}, {('start', 'middle')[column]}, {meters}", fontsize=8, loc="left")
    figure.savefig(path, metadata={"Software": None})


# ---- keeping answers


class Answers(SimpleHTTPRequestHandler):
    """Serves the sheet, and writes what is posted to /answers into `kept`."""

    def __init__(self, *args: Any, kept: Path, **kwargs: Any) -> None:
        self.kept = kept
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        if self.path != "/answers":
            return super().do_GET()
        body = self.kept.read_bytes() if self.kept.exists() else b"{}"
        return self._answer(200, body)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if self.path != "/answers" or not 0 < length <= LARGEST_ANSWER:
            return self._answer(400, b'{"error": "post JSON to /answers"}')
        try:
            given = json.loads(self.rfile.read(length))
            checked(given)
        except ValueError as cause:
            return self._answer(400, json.dumps({"error": str(cause)}).encode())
        fresh = self.kept.with_suffix(".new")
        fresh.write_text(json.dumps(given, indent=1, ensure_ascii=False), encoding="utf-8")
        fresh.replace(self.kept)
        return self._answer(200, b"{}")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def server(out: Path, port: int) -> ThreadingHTTPServer:
    """Return a server of the sheet on this machine alone; serve_forever runs it."""
    handler = partial(Answers, kept=out / "answers.json", directory=str(out / "sheet"))
    return ThreadingHTTPServer(("127.0.0.1", port), handler)


def checked(given: Any) -> dict[str, dict[str, Any]]:
    """Return answers that have a verdict: number -> keep (bool), score (1 to 5), reason. Raises ValueError."""
    if not isinstance(given, dict) or not all(isinstance(row, dict) for row in given.values()):
        raise ValueError('answers: {"001": {"keep": true, "score": 4, "reason": "..."}, ...} is wanted')
    for name, row in given.items():
        if row.get("keep") not in (True, False, None):
            raise ValueError(f"answer {name}: keep is {row['keep']!r}; true, false or null is wanted")
        if row.get("score") is not None and row["score"] not in SCORES:
            raise ValueError(f"answer {name}: score is {row['score']!r}; a whole number from 1 to 5 or null is wanted")
    return {name: row for name, row in given.items() if row.get("keep") is not None}


# ---- opening the key


def table(key: dict[str, Any], answers: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row a rated clip: system, song, bars, keep, score, reason; by system, the worst first."""
    rows = [{**key[name], "clip": name, **row} for name, row in answers.items() if name in key]
    return sorted(rows, key=lambda r: (list(SYSTEMS).index(r["system"]), r["keep"], r.get("score") or 0, r["song"]))


def show(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Print system by system what was kept, then every clip worst first; return system -> figures."""
    figures = {}
    print(f"{'system':8}{'kept':>6}{'of':>5}{'share':>8}{'score, mean':>13}")
    for system in SYSTEMS:
        mine = [row for row in rows if row["system"] == system]
        scores = [row["score"] for row in mine if row.get("score")]
        if mine:
            kept = sum(row["keep"] for row in mine)
            score = float(np.mean(scores)) if scores else float("nan")
            figures[system] = {"kept": kept, "of": len(mine), "share": kept / len(mine), "score": score}
            print(f"{system:8}{kept:6}{len(mine):5}{kept / len(mine):8.2f}{score:13.2f}")
    for system in figures:
        print(f"\n{system}, worst first\n{'keep':5}{'score':>6}  {'song':44}{'bars':16}reason")
        for row in (row for row in rows if row["system"] == system):
            bars = ", ".join(f"{first}-{last}" for first, last in row["bars"])
            keep = "yes" if row["keep"] else "no"
            print(f"{keep:5}{row.get('score') or '-':>6}  {row['song'][:43]:44}{bars:16}{row.get('reason') or ''}")
    return figures


PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Would you keep this band on?</title>
<style>body{font:16px sans-serif;max-width:70rem;margin:auto;padding:1rem}
section{border-top:1px solid #999;padding:1rem 0}
img{max-width:100%}audio{width:100%}label{margin-right:1rem}input[type=text]{width:100%;font:inherit}
.done h2::after{content:" \\2713"}</style>
<h1>Would you keep this band on?</h1>
<p>Each clip is a bass with a band: its first bars, a pause, and bars from the middle of the song. The same bass comes
more than once, with other bands. You are the bassist: would you keep this band on? How good is it, from 1 to 5? Why?
Pictures: bass, drums, chords, line (dark is loud), and the sound. Answers stay in this browser until you
<button id="save">download them</button> <span id="state"></span></p>
<main></main>
<script>
const names = /*NAMES*/, main = document.querySelector("main"), state = document.querySelector("#state");
let answers = JSON.parse(localStorage.getItem("answers") || "{}");
const served = location.protocol.startsWith("http");
function keep(name, field, value) {
  answers[name] = Object.assign({keep: null, score: null, reason: ""}, answers[name], {[field]: value});
  localStorage.setItem("answers", JSON.stringify(answers));
  if (served) fetch("/answers", {method: "POST", body: JSON.stringify(answers)}).catch(() => {});
  mark();
}
function mark() {
  let done = 0;
  for (const name of names) {
    const a = answers[name], ok = a && a.keep !== null && a.score !== null;
    document.getElementById("c" + name).classList.toggle("done", Boolean(ok)); done += Boolean(ok);
  }
  state.textContent = done + " of " + names.length + " rated";
}
function build() {
  for (const name of names) {
    const s = document.createElement("section"), a = answers[name] || {};
    s.id = "c" + name;
    const radio = (field, value, text) => `<label><input type="radio" name="${field}${name}" data-field="${field}"
      value="${value}" ${a[field] === value ? "checked" : ""}> ${text}</label>`;
    s.innerHTML = `<h2>${name}</h2><audio controls preload="none" src="clips/${name}.mp3"></audio>
      <details><summary>picture</summary><img loading="lazy" src="pictures/${name}.png" alt="clip ${name}"></details>
      <p>Keep it on? ${radio("keep", true, "yes")}${radio("keep", false, "no")}</p>
      <p>How good? ${[1, 2, 3, 4, 5].map(n => radio("score", n, n)).join("")}</p>
      <p><input type="text" data-field="reason" placeholder="why?"></p>`;
    s.querySelector("input[type=text]").value = a.reason || "";
    s.addEventListener("change", e => {
      const f = e.target.dataset.field, v = e.target.value;
      if (f) keep(name, f, f === "keep" ? v === "true" : f === "score" ? Number(v) : v);
    });
    main.append(s);
  }
  mark();
}
document.querySelector("#save").onclick = () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(answers, null, 1)], {type: "application/json"}));
  link.download = "answers.json"; link.click();
};
if (served) fetch("/answers").then(r => r.json()).then(a => { answers = Object.assign(a, answers); build(); }, build);
else build();
</script></html>
"""


def main(argv: list[str] | None = None) -> int:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m benchmarks.blind", description=__doc__, formatter_class=raw)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--songs", type=int, help="so many, evenly spread (default: all)")
    parser.add_argument("--only", default="*", metavar="GLOB")
    parser.add_argument("--replies", type=Path, metavar="DIR", help="what bandscore.py wrote, instead of fresh replies")
    parser.add_argument("--seed", type=int, default=1, help="of the replies and of the order")
    parser.add_argument("--bars", type=int, default=BARS, help="of each excerpt, at most")
    parser.add_argument("--antiphon", metavar="CMD", default=band_score.OWN, help="another version's command")
    parser.add_argument("--serve", type=int, nargs="?", const=8765, metavar="PORT")
    parser.add_argument("--open", type=Path, metavar="ANSWERS")
    args = parser.parse_args(argv)
    out = args.out.resolve()
    if args.open:
        return _open(out, args.open)
    if args.serve is not None:
        return _serve(out, args.serve)
    if not band_score.is_there():
        print(band_score.ABSENT)
        return 0
    out.mkdir(parents=True, exist_ok=True)
    if args.replies:
        folders = band_score.songs(args.only, args.songs, args.replies.resolve())
    else:
        found = band_score.songs(args.only, args.songs)
        folders = band_score.answered(found, out / "songs", args.antiphon, args.seed)
    key = make(folders, out, args.seed, args.bars)
    print(f"written: {out / 'sheet' / 'index.html'} ({len(key)} clips of {len(folders)} songs), {out / 'key.json'}")
    return 0


def _open(out: Path, answers: Path) -> int:
    try:
        key = json.loads((out / "key.json").read_text(encoding="utf-8"))
        rated = checked(json.loads(answers.read_text(encoding="utf-8")))
    except (OSError, ValueError) as cause:
        print(f"--open {answers}: {cause}", file=sys.stderr)
        return 2
    figures = show(table(key, rated))
    for system, row in figures.items():
        results.append("blind", system, {name: round(value, 3) for name, value in row.items()})
    return 0


def _serve(out: Path, port: int) -> int:
    if not (out / "sheet" / "index.html").exists():
        print(f"-o {out}: holds no sheet; make one first, without --serve", file=sys.stderr)
        return 2
    try:
        with server(out, port) as web:
            print(f"http://127.0.0.1:{web.server_address[1]}/ (Ctrl-C ends it); answers go to {out / 'answers.json'}")
            web.serve_forever()
    except OSError as cause:
        print(f"--serve {port}: {cause}; give another port", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
