"""Models and rules that only benchmarks compare with."""
