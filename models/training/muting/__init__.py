"""Train what tells muted notes from open ones by the codec's latents."""
