"""The band's imagination: a step per 16th, sampling, adapters. Door: responder.py (`Responder`)."""
