"""Reading image and mask files: headers first, so that nothing is dropped, cut or crushed."""
