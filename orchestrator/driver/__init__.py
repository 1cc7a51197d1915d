"""The driver of a sweep: jobs out, results in. `attempts` decides, `driver` carries out."""
