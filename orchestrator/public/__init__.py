"""The public names of `import searchctl` that concern sweeps: launch them, open stored ones."""
