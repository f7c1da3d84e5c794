"""The kinds of what may be damaged: for each a whole one, how it is damaged, and the command that reads it."""

from __future__ import annotations

import hashlib
import io
import json
import random
import sqlite3
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import soundfile as sf

from agent.__main__ import main
from tests.fuzz import damage

RATE = 24_000
Command = Callable[[], int]
Kind = Callable[[Path, random.Random], Command]


@cache
def sounds() -> tuple[tuple[str, bytes], ...]:
    t = np.arange(RATE // 2) / RATE
    note = (0.4 * np.sin(2 * np.pi * 55 * t) * np.exp(-4 * (t % 0.25))).astype(np.float32)
    made = []
    for suffix, subtype in (("wav", "PCM_16"), ("wav", "FLOAT"), ("flac", "PCM_24"), ("ogg", None), ("mp3", None)):
        file = io.BytesIO()
        sf.write(file, note, RATE, format=suffix.upper(), subtype=subtype)
        made.append((suffix, file.getvalue()))
    return tuple(made)


def audio(folder: Path, rng: random.Random) -> Command:
    suffix, whole = rng.choice(sounds())
    (folder / f"a.{suffix}").write_bytes(damage.bytes_of(whole, rng))
    return lambda: main(["listen", "--json", f"a.{suffix}"])


def midi(folder: Path, rng: random.Random) -> Command:
    from tests.models.music.midi_cases import BASS, write

    write(folder / "a.mid", [(BASS, [(b * 0.5, 0.4, 33 + b % 5) for b in range(16)])])
    (folder / "a.mid").write_bytes(damage.bytes_of((folder / "a.mid").read_bytes(), rng))
    if rng.random() < 0.1:  # an answer takes longer than reading
        return lambda: main(["reply", "a.mid", "-o", "out.mid", "--model", str(small_responder())])

    def command() -> int:
        from agent.reply.reply import bass_part
        from models.music.bass_presses import presses_of
        from models.music.midi_reader import Unusable, read_score

        try:
            bass_part(read_score(Path("a.mid"), near=True), "a.mid")
            presses_of(Path("a.mid"))
        except Unusable as cause:
            print(cause, file=sys.stderr)
        return 0

    return command


def config(folder: Path, rng: random.Random) -> Command:
    from agent.core.paths import shipped

    whole = (shipped().parents[1] / "config.yaml").read_text()
    lines = [line for line in whole.splitlines() if line.strip() and not line.strip().startswith("#")]
    (folder / "c.yaml").write_bytes(damage.text_of("\n".join(lines), rng))
    return lambda: main(["listen", "--config", "c.yaml", "none.wav"])


def memory(folder: Path, rng: random.Random) -> Command:
    from agent.core.paths import data_folder
    from agent.directions.edit import Edit
    from agent.memory.store import FILE, Memory

    data = data_folder()
    store = Memory(data)
    player = store.player("Ann")
    session = store.begin(player, str(folder / "outside"))
    store.heard(session, 1.0, [(0.0, 33), (1.0, 40)], tempo_bpm=100.0, meter="4/4", key="A minor")
    store.said(session, "less snare", [Edit.read("snare.level less")])
    store.record_take(session, 1, {"asked": [], "seed": 3})
    store.adapted(player, "adapter-1", {"you": [1.0, 0.9]})
    store.close()
    file = data / FILE
    if rng.random() < 0.5:
        file.write_bytes(damage.bytes_of(file.read_bytes(), rng))
    else:
        with sqlite3.connect(file) as db:
            table, column = rng.choice(
                (
                    *(("phrases", "facts"), ("phrases", "motif"), ("directions", "edits"), ("sessions", "started_s")),
                    *(("takes", "plan"), ("players", "name"), ("adapters", "scores"), ("directions", "said_s")),
                )
            )
            value = rng.choice(damage.ODD_VALUES)
            plain = value if isinstance(value, (str, float)) else json.dumps(value)
            text = plain.encode("utf-8", "replace").decode() if isinstance(plain, str) else plain
            db.execute(f"UPDATE {table} SET {column} = ?", (text if text == text else "NaN",))
        db.close()
    words = rng.choice((["sessions", "list"], ["sessions", "show", "1"], ["memory", "adapters"], ["memory", "where"]))
    words = rng.choice((words, ["memory", "export", "kept"], ["sessions", "forget", "1", "--yes"]))
    return lambda: main(words)


def sessions(folder: Path, rng: random.Random) -> Command:
    from agent.recording.recorder import Recorder

    place = folder / "s"
    recorder = Recorder(place, RATE, ["drums"], {"drums": (10, 0)})
    for number in range(4):
        note = {"type": "note", "onset_s": number / 4, "emit_s": 0.1, "duration_s": 0.2, "pitch": 33, "velocity": 90}
        recorder.event(note)
        meter = {"numerator": 4, "denominator": 4, "grouping": [2, 2]}
        beat = {"time_s": number / 2, "emit_s": 0.0, "position": number + 1, "tempo_bpm": 120.0, "meter": meter}
        recorder.event({"type": "beat", **beat, "confidence": 0.9})
        hit = {"type": "sent", "output": "synth", "part": "drums", "pitch": 36, "velocity": 90}
        recorder.event(hit | {"on": True, "due_s": number / 4})
    recorder.bass(np.full(RATE // 4, 0.25, np.float32))
    recorder.stems(np.full((1, RATE // 4, 2), 0.5, np.float32))
    for wav in recorder._wavs.values():
        wav.close()
    recorder._events.close()
    if rng.random() < 0.6:
        lines = (place / "events.jsonl").read_text().splitlines()
        at = rng.randrange(len(lines))
        damaged = damage.text_of(lines[at], rng)
        (place / "events.jsonl").write_bytes(b"\n".join([*(line.encode() for line in lines[:at]), damaged, b""]))
    else:
        wav = place / rng.choice(("bass.wav", "drums.wav", "mix.wav"))
        wav.write_bytes(damage.bytes_of(wav.read_bytes(), rng))
    draws = rng.random() < 0.1  # a picture takes longer than all the rest

    def command() -> int:
        from agent.recording import recovery

        if not draws:
            recovery.draw = lambda folder, facts: (folder / "pianoroll.png").write_bytes(b"x")
        return main(["recover", "s"])

    return command


@cache
def take() -> str:
    notes = {"drums": [[0.0, 0.1, 36, 90], [0.5, 0.6, 38, 90]], "line": [[0.0, 0.4, 60, 80]]}
    sheet = {"number": 1, "sentence": "less", "says": "less snare", "name": "a", "key": "A minor", "tempo_bpm": 100.0}
    more = {"end_s": 2.4, "bars": [[0.0, "4/4"]], "notes": notes, "figures": {"density": 0.5, "swing": None}}
    return json.dumps(sheet | more | {"asked": ["snare.level less"]})


def takes(folder: Path, rng: random.Random) -> Command:
    (folder / "take-001.json").write_text(take())
    (folder / "take-002.json").write_bytes(damage.text_of(take().replace('"number": 1', '"number": 2'), rng))

    def command() -> int:
        from agent.cli import diff

        diff.draw = lambda path, takes: None
        return main(["diff", "--from", "."])

    return command


@cache
def small_responder() -> Path:
    """Return the stem of a responder that has learned nothing."""
    import tempfile

    from models.responder import responder
    from models.responder.net import ResponderConfig
    from models.responder.responder import Responder

    stem = Path(tempfile.mkdtemp(prefix="antiphon-fuzz-")) / "small"
    responder.save(stem, Responder.untrained(1, ResponderConfig(hidden=16, sound_dim=4)).net, {}, "")
    return stem


def weights(folder: Path, rng: random.Random) -> Command:
    stem = small_responder()
    about, data = stem.with_suffix(".json").read_text(), stem.with_suffix(".safetensors").read_bytes()
    if rng.random() < 0.5:
        data = damage.bytes_of(data, rng)
        about = json.dumps(json.loads(about) | {"sha256": hashlib.sha256(data).hexdigest()})
        (folder / "w.json").write_text(about)
    else:
        (folder / "w.json").write_bytes(damage.text_of(about, rng))
    (folder / "w.safetensors").write_bytes(data)
    from tests.models.music.midi_cases import BASS, write

    write(folder / "a.mid", [(BASS, [(float(b), 0.4, 33) for b in range(8)])])
    return lambda: main(["reply", "a.mid", "-o", "out.mid", "--model", "w"])


def socket(folder: Path, rng: random.Random) -> Command:
    whole = json.dumps({"say": rng.choice(("mode loop", "dial density 0.3", "say less snare", "mute drums"))})
    lines = [damage.text_of(whole, rng) + rng.choice((b"\n", b"", b"\n\n")) for _ in range(5)]

    def command() -> int:
        import socket as sockets

        from agent.control.commands import parse
        from agent.control.socket_server import ControlServer

        server = ControlServer(Path("c.sock"))
        for line in lines:
            client = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
            client.connect("c.sock")
            client.sendall(line)
            client.shutdown(sockets.SHUT_WR)
            for _ in range(3):
                server.poll(lambda text: (parse(text).text, None))
            answered = client.recv(1 << 20)
            assert not answered or all("ok" in json.loads(one) for one in answered.splitlines())
            client.close()
        server.close()
        return 0

    return command


KINDS: dict[str, Kind] = {
    "audio": audio,
    "midi": midi,
    "config": config,
    "memory": memory,
    "sessions": sessions,
    "takes": takes,
    "weights": weights,
    "socket": socket,
}
