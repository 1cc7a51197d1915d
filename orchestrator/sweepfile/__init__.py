"""What a sweep.yaml may say: its settings, its lines, its errors and their words."""
