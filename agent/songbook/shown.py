"""Shows the song of a session as plain data, for a screen."""

from __future__ import annotations

from agent.core.stored import Json
from agent.songbook import song_file
from agent.songbook.book import Songbook, told


class ShownSong:
    """Makes the view of a songbook, anew only when it has changed; the set list is read then, too."""

    def __init__(self, book: Songbook) -> None:
        self._book = book
        self._of = (book.song, book.playing, book.coming)
        self._view = self._made()

    def view(self) -> dict[str, Json]:
        """Return {"name", "sections": [{"name", "told", "sound"}], "order", "playing", "coming", "songs"}."""
        book = self._book
        now = (book.song, book.playing, book.coming)
        if any(one is not other for one, other in zip(now, self._of, strict=True)):
            self._of, self._view = now, self._made()
        return self._view

    def _made(self) -> dict[str, Json]:
        song = self._book.song
        return {
            "name": song.name,
            "sections": [
                {"name": one.name, "told": told(one), "sound": one.name in song.sounds} for one in song.sections
            ],
            "order": list(song.order),
            "playing": self._book.playing,
            "coming": self._book.coming,
            "songs": song_file.set_list(),
        }
