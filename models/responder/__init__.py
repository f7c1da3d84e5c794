"""Imagine what the band plays: a step per 16th, sampling, adapters. Door: responder.py (`Responder`)."""
