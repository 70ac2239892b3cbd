"""Keys as RDP clients send them, turned into what VMs take: key numbers, keysyms, and keystrokes for text."""
