"""A paired phone sees the band and steers it; nobody else does, and no phone can hold up the session."""

from __future__ import annotations

import asyncio
import json
import random
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from agent.control.commands import TABLE
from agent.control.pedals import TWICE
from agent.language import speech_input
from agent.web.app import FRAME_MAX, PAGE
from agent.web.session_link import SessionLink
from tests.agent.control.test_pedals import Board
from tests.agent.web.remote_rig import Band, Served, served, whole


def phone(remote: Served, cookie: str, **headers: str) -> ClientConnection:
    given = {"Cookie": cookie, "Origin": f"http://127.0.0.1:{remote.port}"} | headers
    return connect(
        f"ws://127.0.0.1:{remote.port}/api/live", additional_headers=given, open_timeout=10, close_timeout=0.5
    )


def until(socket: ClientConnection, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Return the first message that is wanted."""
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s:
        message: dict[str, Any] = json.loads(socket.recv(timeout=10))
        if wanted(message):
            return message
    raise AssertionError("what was wanted did not come")


def say(socket: ClientConnection, text: str) -> dict[str, Any]:
    socket.send(json.dumps({"say": text, "id": 5}))
    return until(socket, lambda message: message.get("id") == 5)


def test_a_paired_phone_sees_notes_and_levels(remote: Served) -> None:
    with phone(remote, remote.cookie()) as socket:
        seen = until(socket, lambda message: bool((message.get("view") or {}).get("notes")))["view"]
    assert {one[0] for one in seen["notes"]} <= {"bass", "drums"}
    assert seen["status"]["level_db"] == -20.0


@pytest.mark.parametrize("verb", [verb for verb in TABLE if verb != "learn"])
def test_every_command_is_reached_from_the_page(remote: Served, band: Band, verb: str) -> None:
    text = whole(verb)
    with phone(remote, remote.cookie()) as socket:
        assert say(socket, text)["ok"]
    assert text in band.said


def test_page_pedals_and_midi_have_the_same_commands(remote: Served, tmp_path: Path) -> None:
    """And OSC, whose test goes through the same table."""
    assert set(json.loads(remote.get("/api/who")[1])["verbs"]) == set(TABLE)
    board = Board(tmp_path)
    for kind, status in (("note", 0x90), ("controller", 0xB0)):
        for verb in sorted(set(TABLE) - {"mix"}):  # a fader is moved (test_pedals.py)
            press = ((status, 40, 100), (status, 40, 0)) * (2 if verb == TWICE else 1)
            board.pedals.learn(whole(verb))
            board.press((status, 40, 100), (status, 40, 0))
            assert board.press(*press)[:1] == [whole(verb)], kind
    board.midi.close()


def test_what_one_phone_does_the_others_are_told(remote: Served, band: Band) -> None:
    with phone(remote, remote.cookie("mine")) as mine, phone(remote, remote.cookie("yours")) as yours:
        until(yours, lambda message: "view" in message)
        say(mine, "mute drums")
        told = until(yours, lambda message: "told" in message)["told"]
        assert (told["by"], told["text"]) == ("mine", "mute drums")
        until(yours, lambda message: (message.get("view") or {}).get("status", {}).get("on") == {"drums": False})


def test_a_refusal_says_why(remote: Served) -> None:
    with phone(remote, remote.cookie()) as socket:
        answer = say(socket, "mode polka")
    assert not answer["ok"] and "polka" in answer["says"]


@pytest.mark.parametrize("cookie", ["", "antiphon=wrong", "antiphon=" + "x" * 3000])
def test_a_stranger_sees_nothing(remote: Served, cookie: str) -> None:
    with pytest.raises(InvalidStatus), phone(remote, cookie):
        pass
    for path in (
        "/api/sessions",
        "/api/settings",
        "/api/tools/doctor",
        "/api/sessions/x/zip",
        "/api/sessions/x/files/mix.wav",
    ):
        assert remote.get(path, Cookie=cookie)[0] == 401


def test_a_revoked_phone_is_out_at_its_next_word(remote: Served, band: Band) -> None:
    cookie = remote.cookie("lost")
    with phone(remote, cookie) as socket:
        assert say(socket, "tap")["ok"]
        remote.tokens.revoke("lost")
        socket.send(json.dumps({"say": "panic", "id": 6}))
        with pytest.raises(ConnectionClosed):
            until(socket, lambda message: message.get("id") == 6)
    assert "panic" not in band.said
    assert remote.get("/api/sessions", Cookie=cookie)[0] == 401


def test_a_revoked_phone_that_only_watches_is_out_soon(remote: Served) -> None:
    with phone(remote, remote.cookie("lost")) as socket:
        remote.tokens.revoke("lost")
        with pytest.raises(ConnectionClosed):
            until(socket, lambda message: False)


def test_a_code_counts_once(remote: Served) -> None:
    code = remote.tokens.new_code()
    assert remote.post("/api/pair", {"code": f"{code[:4]}-{code[4:]}".upper(), "name": "phone"})[0] == 200
    assert remote.post("/api/pair", {"code": code, "name": "phone"})[0] == 403


def test_guessing_codes_is_stopped(remote: Served) -> None:
    answers = [remote.post("/api/pair", {"code": f"aaaa{n:04}"})[0] for n in range(12)]
    assert answers[0] == 403 and answers[-1] == 429


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "antiphon.local.evil.example"},
        {"Host": "["},
        {"Origin": "http://evil.example"},
    ],
)
def test_another_site_gets_nothing(remote: Served, headers: dict[str, str]) -> None:
    assert remote.get("/api/who", **headers)[0] in (403, 421)


def test_another_site_cannot_open_the_socket(remote: Served) -> None:
    with pytest.raises(InvalidStatus), phone(remote, remote.cookie(), Origin="http://evil.example"):
        pass


def test_the_page_asks_nothing_of_others_and_is_small(remote: Served) -> None:
    size = 0
    for name in ("", *PAGE[1:]):
        status, body, headers = remote.get(f"/{name}")
        assert status == 200
        assert "default-src 'none'" in headers["content-security-policy"]
        links = body.replace(b"http://www.w3.org/2000/svg", b"")
        assert b"http://" not in links and b"https://" not in links
        size += len(body)
    assert size < 150_000


def test_damaged_frames_change_nothing(remote: Served, band: Band) -> None:
    rng = random.Random(0)
    odd = [
        '{"say": 3}',
        "[]",
        "null",
        "{",
        '{"say": "mute drums\\nstop"}',
        '{"id": 1e999}',
        "[" * 2000,
        "\x00",
        "é" * 900,
    ]
    odd += ["".join(chr(rng.randrange(1, 0x2FF)) for _ in range(rng.randrange(200))) for _ in range(100)]
    cookie = remote.cookie()
    for one in odd:
        with phone(remote, cookie) as socket:
            socket.send(one)
    assert band.said == []
    with phone(remote, cookie) as socket:
        assert say(socket, "tap")["ok"]


def test_who_leaves_before_the_answer_leaves_it_to_nobody(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            await asyncio.sleep(0.02)
            writer.write(json.dumps({"ok": True, "says": json.loads(line)["say"]}).encode() + b"\n")
        writer.close()

    async def run() -> str:
        server = await asyncio.start_unix_server(answer, str(tmp_path / "socket"))
        link = SessionLink(tmp_path / "socket", lambda view: None)
        gone = asyncio.create_task(link.say("mute drums"))
        await asyncio.sleep(0.01)
        gone.cancel()
        said = await link.say("tap")
        link.close()
        await asyncio.sleep(0.05)
        server.close()
        return said.says

    assert asyncio.run(run()) == "tap"


@pytest.mark.slow
def test_ten_thousand_malformed_frames_change_nothing(remote: Served, band: Band) -> None:
    rng = random.Random(1)
    cookie, sent = remote.cookie(), 0
    with phone(remote, cookie) as watching:
        while sent < 10_000:
            with suppress(ConnectionClosed), phone(remote, cookie) as socket:
                for _ in range(200):
                    sent += 1
                    socket.send(damaged(rng))
        assert until(watching, lambda message: bool(message.get("view")))["view"]["notes"] is not None
    assert band.said == []
    with phone(remote, cookie) as socket:
        assert say(socket, "tap")["ok"]


def damaged(rng: random.Random) -> str | bytes:
    """Return a frame that is no command: broken JSON, other types, bytes, letters from anywhere, too long."""
    whole_frame = json.dumps({"say": "mute drums", "id": rng.randrange(1 << 70)})
    match rng.randrange(6):
        case 0:
            return whole_frame[: rng.randrange(1, len(whole_frame) - 1)]
        case 1:
            return json.dumps(rng.choice([None, 3, [whole_frame], {"say": {"say": 1}}, {"say": ""}, {"id": -1e300}]))
        case 2:
            return rng.randbytes(rng.randrange(300))
        case 3:
            return "".join(chr(rng.randrange(1, 0xD7FF)) for _ in range(rng.randrange(200)))
        case 4:
            return json.dumps({"say": "".join(rng.choice("abc \n\t{}[]\"'/\\") for _ in range(40)), "id": 1})
    return "[" * rng.randrange(FRAME_MAX, 3 * FRAME_MAX) if rng.random() < 0.02 else "[" * 200


def test_a_slow_phone_costs_only_its_own_views(remote: Served, band: Band) -> None:
    cookie = remote.cookie()
    with phone(remote, cookie), phone(remote, cookie) as quick:  # the first one reads nothing
        time.sleep(1.0)
        assert say(quick, "tap")["ok"]
        assert all(one.waiting.qsize() <= one.waiting.maxsize for one in remote.remote.phones)


def test_without_a_session_the_phone_is_told_so_and_sees_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with served(tmp_path, path) as remote, phone(remote, remote.cookie()) as socket:
        assert until(socket, lambda message: "view" in message)["view"] is None
        assert "no session" in say(socket, "tap")["says"]
        band = Band(path)
        until(socket, lambda message: bool(message.get("view")))
        band.close()
        until(socket, lambda message: message.get("view", 1) is None)
        band = Band(path)
        began_s = time.monotonic()
        until(socket, lambda message: bool(message.get("view")))
        band.close()
    assert time.monotonic() - began_s < 5  # AGAIN_S is 0.5 s


def test_what_is_spoken_is_said(remote: Served, band: Band, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = []
    monkeypatch.setattr(speech_input, "words_of", lambda samples: heard.append(samples) or "less snare")
    recorded = (np.ones(speech_input.SAMPLE_RATE, "<i2") * 16_384).tobytes()
    request = urllib.request.Request(f"http://127.0.0.1:{remote.port}/api/voice", recorded, {"Cookie": remote.cookie()})
    answer = json.loads(remote.ask(request)[1])
    assert answer == {"ok": True, "heard": "less snare", "says": "did say less snare"}
    assert band.said == ["say less snare"]
    assert heard[0].shape == (speech_input.SAMPLE_RATE,) and np.all(heard[0] == 0.5)


@pytest.mark.parametrize(("count", "why"), [(100, "too short"), (500_000, "too long"), (16_001, "too short")])
def test_what_is_no_recording_says_nothing(remote: Served, band: Band, count: int, why: str) -> None:
    address = f"http://127.0.0.1:{remote.port}/api/voice"
    request = urllib.request.Request(address, bytes(count), {"Cookie": remote.cookie()})
    assert why in json.loads(remote.ask(request)[1])["says"]
    assert band.said == []


def test_each_channel_of_the_input_has_its_level(remote: Served, band: Band) -> None:
    band.view.channels = (0.5, 0.001)
    with phone(remote, remote.cookie()) as socket:
        seen = until(socket, lambda message: bool((message.get("view") or {}).get("channels")))["view"]
    assert seen["channels"] == [-6, -60]
