"""Everything that steers from outside: commands, keyboard, pedals, socket. Doors: dispatcher.py, commands.py, socket_server.py."""
