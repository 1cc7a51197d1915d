"""Pictures: contact sheets of a data set, predicted masks, and embeddings."""
