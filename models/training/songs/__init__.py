"""Train the responder on whole songs, its state carried from chunk to chunk. Start with: trainer.py."""
