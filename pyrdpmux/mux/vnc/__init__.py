"""VNC servers as VMs: any console that a VNC viewer can show becomes one for RDP clients."""
