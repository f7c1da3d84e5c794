"""A frame in, a plan out; its process, its snapshot, its look-ahead. Doors: mind.py (`Mind`), mind_process.py (`main`)."""
