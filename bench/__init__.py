"""Benchmarks of striate against its NumPy reference and PyTorch: `python -m bench --help`."""
