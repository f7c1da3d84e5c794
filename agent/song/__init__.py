"""Plans the song the band commits to: key, sections, harmony, groove, comping, line, level.

Start with: song_plan.py (`SongPlan`), live_song.py (`LiveSong`).
"""
