"""Defines the commands of the command line, a file each: options, calls and prints only.

Start with: agent/__main__.py (`main`).
"""
