"""Pictures to RDP clients: what is shown, what clients have of it, and how the difference is sent."""
