"""Serve all benchmarks: results.jsonl, the scorer of ../shared/listening, peers run once per clip, figures."""
