"""A sentence in, typed edits and a reply out; no state. Door: parser.py (`hear`)."""
