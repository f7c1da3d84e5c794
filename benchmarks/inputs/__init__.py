"""Make what the benchmarks play: lines, sounds and pieces whose truth is known, and simulated players."""
