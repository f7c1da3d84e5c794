"""What models and agent call the band's parts and the styles, in the order of the networks' inputs. Imports nothing."""

PARTS = ("drums", "chords", "line")
STYLES = ("rock", "metal", "funk", "jazz", "latin", "hiphop", "soul", "blues", "country", "pop", "dance", "ballad")
