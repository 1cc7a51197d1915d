"""What each image and label of a data set hold, and the book that remembers it."""
