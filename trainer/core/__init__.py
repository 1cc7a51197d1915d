"""What all parts of the trainer share: errors, seeds, results, atomic files, array views."""
