"""Turn sound into musical facts. Imports nothing from models or agent. Door: analyzer.py (`Analyzer`)."""
