"""Damaged files by the thousand: a command ends well or says one line, soon, and touches no other file."""
