"""Codes run out, tokens are kept as hashes, a damaged file pairs nobody; settings are checked."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from agent.__main__ import main
from agent.core.errors import UserError
from agent.web.settings_file import SettingsFile
from agent.web.tokens import CODE_S, FILE, Tokens


def test_a_code_runs_out(tmp_path: Path) -> None:
    now = [0.0]
    tokens = Tokens(tmp_path, lambda: now[0])
    code = tokens.new_code()
    now[0] = CODE_S + 1
    assert tokens.pair(code, "phone") is None


def test_what_is_kept_opens_nothing(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)
    code = tokens.new_code()
    token = tokens.pair(code, "phone")
    assert token and tokens.device(token)
    kept = (tmp_path / FILE).read_text()
    assert token not in kept and code not in kept
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", '{"tokens": [{}], "codes": [3]}', '{"tokens": [3], "codes": []}', "[" * 99999]
)
def test_a_damaged_file_pairs_nobody_and_is_mended(tmp_path: Path, damage: str) -> None:
    (tmp_path / FILE).write_text(damage)
    tokens = Tokens(tmp_path)
    assert tokens.devices() == []
    assert tokens.pair(tokens.new_code(), "phone")


def test_web_pair_list_and_revoke(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    state = ["--set", f"paths.state={tmp_path}"]
    assert main(["web", "pair", *state]) == 0
    code = capsys.readouterr().out.split("the code ")[1].split()[0]
    assert Tokens(tmp_path).pair(code, "my\x1b[31m phone")
    assert main(["web", "list", *state]) == 0
    listed = capsys.readouterr().out
    assert "my[31m phone" in listed and "\x1b" not in listed
    assert main(["web", "revoke", "all", *state]) == 0
    assert Tokens(tmp_path).devices() == []
    assert main(["web", "revoke", "all", *state]) == 2


def test_with_a_display_the_qr_code_is_on_the_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("webbrowser.open", opened.append)
    for host, shown in (("127.0.0.1", 0), ("0.0.0.0", 1)):
        assert main(["web", "pair", "--host", host, "--set", f"paths.state={tmp_path}"]) == 0
        assert len(opened) == shown
    page = tmp_path / "pair.html"
    assert opened == [page.as_uri()] and page.stat().st_mode & 0o077 == 0
    assert "<svg" in page.read_text() and capsys.readouterr().out.split("the code ")[-1].split()[0] in page.read_text()


def test_the_daemon_s_log_has_a_code_while_no_device_is_paired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("agent.web.server.run", lambda *_: None)
    serve = ["web", "serve", "--no-code", "--set", f"paths.state={tmp_path}"]
    assert main(serve) == 0
    code = capsys.readouterr().err.split("the code ")[1].split()[0]
    assert Tokens(tmp_path).pair(code, "phone")
    assert main(serve) == 0
    assert capsys.readouterr().err == ""


def test_a_setting_is_checked_and_comments_stay(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("band:\n  mode: accompany  # as I like it\n")
    settings = SettingsFile(path)
    settings.change({"key": "band.trade_bars", "value": "2"})
    assert "# as I like it" in path.read_text()
    assert settings.read()["settings"]["band.trade_bars"] == 2
    with pytest.raises(UserError, match="allowed"):
        settings.change({"key": "band.mode", "value": "polka"})


@pytest.mark.parametrize("key", ["paths.sessions", "conversation.endpoint", "web.host", "", "band", "band.no.such"])
def test_what_could_open_the_machine_is_not_changed_from_a_phone(tmp_path: Path, key: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("band:\n  mode: trade\n")
    with pytest.raises(UserError):
        SettingsFile(path).change({"key": key, "value": "/"})
    assert path.read_text() == "band:\n  mode: trade\n"
