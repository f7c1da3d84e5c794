"""Offer the recurrent cores of the responder, each as a numpy step and a torch module. Door: registry.py."""
