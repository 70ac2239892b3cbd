"""Commands to PDUs: one file for each way of drawing that clients know."""
