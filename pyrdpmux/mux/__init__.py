"""The daemon: VMs on one side, RDP viewers on the other."""
