"""A VM as its viewers have it: the console, and one viewer with all its parts."""
