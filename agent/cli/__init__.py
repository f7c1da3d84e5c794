"""The commands of the command line, a file each; nothing but options, calls and prints. Door: agent/__main__.py."""
