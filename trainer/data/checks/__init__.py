"""What a data set holds, what is broken in it, and what makes its scores worth little."""
