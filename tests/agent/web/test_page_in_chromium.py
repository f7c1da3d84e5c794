"""The page in a real browser: pairing, every control, two phones, a session that goes and comes, the lock, access.

Writes docs/remote_*.png when ANTIPHON_SCREENSHOTS is set.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from agent.language import speech_input
from tests.agent.web.remote_rig import Band, Served, served
from tests.agent.web.test_takes import made
from tests.waiting import wait_for

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="needs Debian's chromium")]
SIZES = ((320, 568), (390, 844), (844, 390), (1024, 768))


@pytest.fixture(scope="module")
def playwright() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as made:
        yield made


@pytest.fixture(scope="module")
def browser(playwright: Any) -> Iterator[Any]:
    made = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    yield made
    made.close()


def paired(browser: Any, remote: Served, name: str = "phone", size: tuple[int, int] = (390, 844)) -> Any:
    """Open the page in a browser of its own, paired by the link of the QR code."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    page = context.new_page()
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("console", lambda line: page.faults.append(line.text) if line.type == "error" else None)
    page.goto(f"http://127.0.0.1:{remote.port}/#{remote.tokens.new_code()}")
    page.wait_for_selector("#play:not([hidden])")
    eventually(lambda: page.inner_text("#link").startswith("playing"))
    return page


def eventually(holds: Callable[[], bool], within_s: float = 8.0) -> None:
    wait_for(holds, within_s, every_s=0.02)


@pytest.fixture(autouse=True)
def playing(request: pytest.FixtureRequest) -> None:
    band = request.getfixturevalue("band")
    band.state |= {"listening": True, "state": "playing", "tempo_bpm": 104.0, "meter": "4/4", "bar": 12, "beat": 2}
    band.state |= {"song": "A 3/8  Em C D  fill", "parts": {"drums": "plays"}, "dials": {}, "key": "E minor", "why": ""}


def test_typing_a_code_pairs(browser: Any, remote: Served) -> None:
    page = browser.new_context().new_page()
    page.goto(f"http://127.0.0.1:{remote.port}/")
    page.fill("#code", "wrong234")
    page.click("#pair button")
    page.wait_for_selector("#pair-says:not(:empty)")
    page.fill("#code", remote.tokens.new_code())
    page.click("#pair button")
    page.wait_for_selector("#play:not([hidden])")


def test_every_control_sends_its_command(browser: Any, remote: Served, band: Band) -> None:
    page = paired(browser, remote)
    for tab in ("play", "say", "band", "song", "setup"):
        page.click(f"#tab-{tab}")
        for button in page.query_selector_all(f"#{tab} [data-say]"):
            wanted = button.get_attribute("data-say")
            before = band.said.count(wanted)
            button.click()
            eventually(lambda wanted=wanted, before=before: band.said.count(wanted) == before + 1)
    page.click("#tab-band")
    page.click("#part-drums")
    eventually(lambda: "mute drums" in band.said)
    eventually(lambda: page.get_attribute("#part-drums", "aria-pressed") == "false")
    page.fill("#dial-density", "0.3")
    page.dispatch_event("#dial-density", "change")
    eventually(lambda: "dial density 0.3" in band.said)
    page.select_option("#lane", "snare")
    page.fill("#fader-level", "-6")
    page.dispatch_event("#fader-level", "change")
    eventually(lambda: "mix snare level -6" in band.said)
    page.fill("#tempo-given", "96")
    page.click("#tempo-set")
    page.select_option("#meter-given", "7/8")
    page.click("#meter-set")
    eventually(lambda: {"tempo 96", "meter 7/8"} <= set(band.said))
    page.click("#tab-say")
    page.fill("#words", "less snare")
    page.press("#words", "Enter")
    eventually(lambda: "say less snare" in band.said)
    page.click("#tab-band")
    page.click("#stop")
    assert "stop" not in band.said
    page.click("#stop")
    eventually(lambda: "stop" in band.said)
    assert page.faults == []


def test_where_nobody_plays_a_mood_is_chosen(browser: Any, remote: Served, band: Band) -> None:
    band.state |= {"mood": {"words": "calm", "known": ["calm", "drive"]}}
    page = paired(browser, remote)
    page.click("#tab-band")
    page.wait_for_selector("#mood:not([hidden])")
    assert page.is_hidden("#practice")
    assert page.get_attribute("#moods button", "aria-pressed") == "true"
    page.click("#moods button >> nth=1")
    page.fill("#mood-words", "dark, over 8 bars")
    page.press("#mood-words", "Enter")
    eventually(lambda: {"mood drive", "mood dark, over 8 bars"} <= set(band.said))
    assert page.faults == []


def test_the_channel_that_moves_is_tapped(browser: Any, remote: Served, band: Band) -> None:
    band.view.channels = (0.0001, 0.5, 0.0001)
    page = paired(browser, remote)
    page.click("#tab-setup")
    page.click("#channel-list button:nth-child(2)")
    eventually(lambda: "audio.input_channel is 2" in page.inner_text("#setting-says"))
    assert page.faults == []


@pytest.mark.skipif(not (speech_input.available() and shutil.which("espeak-ng")), reason="needs [voice] and espeak-ng")
def test_what_is_spoken_while_the_button_is_held_is_said(
    playwright: Any, remote: Served, band: Band, tmp_path: Path
) -> None:
    said = tmp_path / "said.wav"
    subprocess.run(["espeak-ng", "-v", "en-us", "-s", "140", "-w", str(said), "less snare"], check=True)
    samples, rate = soundfile.read(said)
    soundfile.write(said, np.concatenate([np.zeros(rate // 2), samples, np.zeros(20 * rate)]), rate)  # it is looped
    fake = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    browser = playwright.chromium.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", *fake, f"--use-file-for-fake-audio-capture={said}"]
    )
    page = paired(browser, remote)
    page.click("#tab-say")
    page.hover("#talk-button")
    page.mouse.down()
    eventually(lambda: page.inner_text("#talk-button") == "Speak now", 20.0)
    time.sleep(4.0)
    page.mouse.up()
    eventually(lambda: band.said == ["say less snare"], 20.0)
    assert "less snare" in page.inner_text("#talk")
    assert page.faults == []
    browser.close()


def test_two_phones_see_the_same(browser: Any, remote: Served) -> None:
    mine, yours = paired(browser, remote, "mine"), paired(browser, remote, "yours")
    mine.click("#tab-band")
    mine.click("#part-drums")
    eventually(lambda: yours.get_attribute("#part-drums", "aria-pressed") == "false")
    assert "mute drums" in yours.inner_text("#told") or "mute drums" in yours.inner_text("#says")


def test_the_song_is_shown_and_its_sections_are_gone_to(browser: Any, remote: Served, band: Band) -> None:
    sections = [{"name": "verse", "told": "4 bars of 4/4, Em C D", "sound": True}]
    book = {
        "name": "monday",
        "sections": sections,
        "order": ["verse"],
        "playing": "",
        "coming": "",
        "songs": ["monday"],
    }
    band.state["book"] = book
    page = paired(browser, remote)
    page.click("#tab-song")
    page.click("#sections li button:first-child")
    page.click("#sections li button:last-child")
    band.state["book"] = book | {"coming": "verse"}
    eventually(lambda: page.inner_text("#song-says") == "to the verse next")
    page.fill("#section-name", "chorus")
    page.click("#keep button")
    page.click("#odd button")
    page.fill("#chart-name", "bridge")
    page.fill("#chart-chords", "Am | F")
    page.click("#chart button")
    page.fill("#order-names", "verse verse")
    page.click("#order button")
    page.fill("#song-new-name", "blue monday")
    page.click("#rename-song button")
    page.click("#open-song button")
    wanted = ["to verse", "loop verse", "section chorus", "bar 3 7/8", "chart bridge Am | F"]
    wanted += ["song order verse verse", "song name blue monday", "song monday"]
    eventually(lambda: band.said == wanted)
    assert page.faults == []


def test_two_takes_are_compared_at_the_same_place_and_named(browser: Any, remote: Served, tmp_path: Path) -> None:
    made(tmp_path / "takes", seconds=8.0)
    page = paired(browser, remote)
    page.click("#tab-song")
    page.wait_for_selector("#take-list li")
    page.click("#take-list li:nth-child(1) button:text-is('B')")
    page.click("#take-play")
    eventually(lambda: page.evaluate("takes.sounds.A.currentTime") > 0.5)
    page.click("#ab")
    eventually(lambda: page.evaluate("takes.sounds.A.paused && !takes.sounds.B.paused"))
    assert page.evaluate("Math.abs(takes.sounds.A.currentTime - takes.sounds.B.currentTime)") < 0.3
    assert page.inner_text("#take-play") == "Stop B"
    page.fill("#take-name", "bristol")
    page.click("#name-take button")
    eventually(lambda: "bristol" in page.inner_text("#take-list"))
    page.click("#tab-play")
    assert page.evaluate("takes.sounds.B.paused")
    assert page.faults == []


def test_locked_only_tap_panic_and_the_next_section_are_left(browser: Any, remote: Served, band: Band) -> None:
    page = paired(browser, remote)
    page.click("#lock")  # a stray touch
    assert page.get_attribute("#lock", "aria-pressed") == "false"
    page.hover("#lock")
    page.mouse.down()
    eventually(lambda: page.get_attribute("#lock", "aria-pressed") == "true")
    page.mouse.up()
    assert not page.is_visible("nav")
    buttons = [one for one in page.query_selector_all("button") if one.is_visible()]
    assert {one.get_attribute("data-say") or one.get_attribute("id") for one in buttons} == {
        "tap",
        "panic",
        "to next",
        "lock",
    }


def test_the_session_goes_and_comes_back(browser: Any, remote: Served, band: Band) -> None:
    page = paired(browser, remote)
    band.close()
    eventually(lambda: "No session runs" in page.inner_text("#why"))
    again = Band(band.path)
    again.state |= band.state
    eventually(lambda: page.inner_text("#link").startswith("playing"))
    again.close()


def test_the_page_is_there_without_the_laptop_and_finds_it_again(browser: Any, tmp_path: Path, band: Band) -> None:
    with served(tmp_path, band.path) as remote:
        page = paired(browser, remote)
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        page.reload()
        eventually(lambda: page.evaluate("Boolean(navigator.serviceWorker.controller)"))
        eventually(lambda: page.inner_text("#link").startswith("playing"))
    eventually(lambda: page.inner_text("#link") == "link lost, trying again")
    band.state["tempo_bpm"] = 77.0
    with served(tmp_path, band.path, remote.port):  # the laptop's server alone was away
        eventually(lambda: page.inner_text("#tempo") == "77", 4.0)
    page.reload()
    eventually(lambda: page.inner_text("#link") == "no laptop in reach")
    assert "No laptop in reach" in page.inner_text("#why")
    with served(tmp_path, band.path, remote.port):
        eventually(lambda: page.inner_text("#link").startswith("playing"), 4.0)
    assert all("ERR_CONNECTION_REFUSED" in fault for fault in page.faults), page.faults


def test_a_revoked_phone_is_shown_the_door(browser: Any, remote: Served) -> None:
    page = paired(browser, remote)
    remote.tokens.revoke("all")
    page.wait_for_selector("#pairing:not([hidden])")


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_cut_off_and_nothing_hinders_a_screen_reader(
    browser: Any, remote: Served, size: tuple[int, int]
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = paired(browser, remote, size=size)
    shots = os.environ.get("ANTIPHON_SCREENSHOTS")
    for tab in ("play", "say", "band", "song", "sessions", "setup"):
        page.click(f"#tab-{tab}")
        page.wait_for_function("document.getAnimations().every((one) => one.playState !== 'running')")
        if shots:
            page.screenshot(path=f"{shots}/remote_{tab}_{size[0]}.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], tab
        if tab == "play":  # within the thumb's reach, without scrolling
            panic, pages = (page.locator(one).bounding_box() for one in ("#play .danger", "nav"))
            assert panic["y"] + panic["height"] <= pages["y"] + 1
        found = [one for one in Axe().run(page).response["violations"] if one["impact"] in ("serious", "critical")]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], tab
    assert page.faults == []


def test_every_control_is_reached_by_the_keyboard(browser: Any, remote: Served) -> None:
    page = paired(browser, remote)
    reached = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.dataset.say"))
    assert {"lock", "tap", "panic", "tab-say", "tab-setup"} <= reached
