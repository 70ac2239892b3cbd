"""The client side: our test peer, and the harness's client. Shares PDUs with the server, no decisions."""
