"""Makes songs from words alone: what is asked for, form, harmony, bass, arc, account.

Doors: brief.py (`Brief`), song_maker.py (`make`), song_folder.py.
"""
