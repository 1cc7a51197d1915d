"""What a sweep will cost, before it runs; and how right that was, afterwards."""
