"""The benchmark on CUDA: `python -m bench --device cuda`, or `python -m bench.cuda TABLE...`."""
