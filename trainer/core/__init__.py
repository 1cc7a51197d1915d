"""What every room of the trainer uses: errors, seeds, results, files that are written whole."""
