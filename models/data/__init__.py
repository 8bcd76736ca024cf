"""Images: built-in sets, a user’s files made safe, and the library of kept sets."""
