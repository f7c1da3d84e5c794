"""The recurrent cores of the responder, each as numpy step and torch module. Door: registry.py."""
