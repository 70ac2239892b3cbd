"""MCS (T.125) and GCC (T.124): the connect pair with its settings blocks, and the PDUs of the domain."""
