"""The page steers a band that plays on a JACK server: seen in its status and heard in what it recorded.

Writes docs/remote_*.png when ANTIPHON_SCREENSHOTS names that folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from agent.core.paths import shipped
from agent.web.app import Remote
from tests.agent.web.remote_rig import served
from tests.rig import jack_server
from tests.waiting import wait_for

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.rig,
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and shutil.which("jackd")), reason="needs chromium and jackd2"),
]
PORTRAIT, LANDSCAPE = {"width": 390, "height": 844}, {"width": 844, "height": 390}
STARTS_S = 180.0  # where other work shares the machine
SETTLES_S = 2.0  # after a control was moved: what is shown may be a second old


class Session:
    """A band that plays with the take that ships, again and again, in real time."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder, self.socket = folder / "sessions" / "20260101-200000", folder / "control.sock"
        sound, rate = soundfile.read(shipped("take.flac"), dtype="float32")
        soundfile.write(folder / "long.wav", np.tile(sound, 4), rate)
        take = ["--input", str(folder / "long.wav"), "--out", str(self.folder), "--quiet", "--set", "midi.port=null"]
        mine = {**os.environ, **env, "ANTIPHON_SOCKET": str(self.socket)}
        self.remote: Remote | None = None
        self.process = subprocess.Popen([sys.executable, "-m", "agent", "jam", *take], env=mine)

    def status(self) -> dict[str, Any]:
        """Return what the phones are shown."""
        return dict(((self.remote.view if self.remote else None) or {}).get("status") or {})

    def until(self, value: Any, *path: str) -> None:
        """Wait until the status has this value at a path of keys."""

        def holds() -> bool:
            found: Any = self.status()
            for key in path:
                found = found.get(key) if isinstance(found, dict) else None
            return bool(found == value)

        wait_for(holds, 40, f"{value!r} at {path}", 0.05)

    def stem(self, part: str, from_s: float, until_s: float) -> float:
        """Return the RMS of a recorded part between two times."""
        sound, rate = soundfile.read(self.folder / f"{part}.wav")
        return float(np.sqrt(np.mean(sound[round(from_s * rate) : round(until_s * rate)] ** 2)))


def test_every_kind_of_control_changes_the_band_that_plays(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    with jack_server() as env, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        session = Session(tmp_path, env)
        try:
            with served(tmp_path, session.socket) as remote:
                session.remote = remote.remote
                page = browser.new_context(viewport=PORTRAIT).new_page()
                page.goto(f"http://127.0.0.1:{remote.port}/#{remote.tokens.new_code()}")
                wait_for(lambda: session.status().get("state") == "playing", STARTS_S)
                wait_for(lambda: session.status().get("elapsed_s", 0.0) > 12.0, 60)
                spans = steered(page, session)
                page.set_viewport_size(PORTRAIT)
                page.click("#tab-band")
                page.click("#stop")
                page.click("#stop")
                assert session.process.wait(60) in (0, 1)  # 1: a busy machine left out sound meanwhile
        finally:
            session.process.kill()
            browser.close()
    assert session.stem("drums", *spans["mute drums"]) < 0.05 * session.stem("drums", *spans["plain"])
    assert session.stem("drums", *spans["only chords"]) < 0.05 * session.stem("drums", *spans["plain"])
    assert session.stem("chords", *spans["only chords"]) > 0.2 * session.stem("chords", *spans["plain"])
    assert session.stem("loop", *spans["loop"]) > 0.01
    assert session.stem("chords", *spans["chords down"]) < 0.3 * session.stem("chords", *spans["plain"])


def steered(page: Any, session: Session) -> dict[str, tuple[float, float]]:
    """Move one control of each kind and see it in the status; return the times between which some were in force."""

    def now_s() -> float:
        return float(session.status()["elapsed_s"])

    def shot(name: str) -> None:
        if folder := os.environ.get("ANTIPHON_SCREENSHOTS"):
            page.screenshot(path=f"{folder}/remote_{name}.png")

    spans = {"plain": (now_s() - 3.0, now_s())}
    shot("play")
    page.click("#tab-band")
    for name, button in (("mute drums", "#part-drums"), ("only chords", "#parts button:text-is('only chords')")):
        page.click(button)
        session.until(False, "on", "drums")
        began_s = now_s()
        time.sleep(SETTLES_S + 2.0)
        spans[name] = (began_s + SETTLES_S, now_s())
        page.click("#part-drums")
        session.until(True, "on", "drums")
    page.click("#part-line")
    session.until(True, "on", "line")
    page.select_option("#lane", "chords")
    page.fill("#fader-level", "-24")
    session.until(-24.0, "faders", "chords", "level_db")
    began_s = now_s()
    page.fill("#dial-density", "0.2")
    session.until(0.2, "dials", "density")
    page.fill("#dial-behind", "20")
    session.until(20.0, "behind_ms")
    page.click("#modes [data-say='mode trade']")
    session.until("trade", "mode")
    page.click("#modes [data-say='mode accompany']")
    session.until("accompany", "mode")
    shot("band")
    wait_for(lambda: now_s() > began_s + SETTLES_S + 1.5, 40)
    spans["chords down"] = (began_s + SETTLES_S, began_s + SETTLES_S + 1.0)
    page.click("#mix-off")
    session.until(None, "faders", "chords")
    page.click("#tab-say")
    page.fill("#words", "less snare")
    page.press("#words", "Enter")
    wait_for(lambda: "snare" in page.inner_text("#talk .band"), 40)
    shot("say")
    page.click("#tab-song")
    page.fill("#section-name", "verse")
    page.click("#keep button")
    wait_for(lambda: "verse" in page.inner_text("#told") or "verse" in page.inner_text("#sections"), 40)
    page.click("#take")
    wait_for(lambda: any(one["sound"] for one in session.status()["book"]["sections"]), 40)
    page.click("#song [data-say='loop']")
    time.sleep(8.0)  # it begins on the next one
    shot("song")
    spans["loop"] = (now_s() - 1.0, now_s())
    page.click("#song [data-say='loop off']")
    page.click("#song [data-say='lead faster']")
    wait_for(lambda: session.status()["leads"], 40)
    page.click("#tab-play")
    page.set_viewport_size(LANDSCAPE)
    time.sleep(1.0)
    shot("landscape")
    return spans
