"""Run and measure the program: what is right in a benchmark, and how right an answer is."""
