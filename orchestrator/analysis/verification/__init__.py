"""`searchctl verify`: derives every decision of a sweep again from its stored rows."""
