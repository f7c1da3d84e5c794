"""Stream EnCodec frame by frame. Door: codec.py (`Codec`)."""
