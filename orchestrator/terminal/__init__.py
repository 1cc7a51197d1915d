"""Tables, lines and live displays of sweeps on a terminal."""
