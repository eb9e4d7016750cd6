"""The machine: devices, progress, checkpoints, prefetching, CUDA graphs."""
