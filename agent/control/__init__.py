"""Steers a running session from outside: text commands, keyboard, pedals, control socket.

Start with: commands.py (`parse`), dispatcher.py (`Dispatcher`), socket_server.py (`ControlServer`).
"""
