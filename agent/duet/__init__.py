"""Plays with another Antiphon: each tells the other its bars over MIDI, takes its turns and answers the other's line.

Doors: duet.py (`Duet`), partner_port.py (`PartnerPort`), bar_sheet.py (`encoded`, `decoded`).
"""
