"""EnCodec, streamed frame by frame. Door: codec.py (`Codec`)."""
