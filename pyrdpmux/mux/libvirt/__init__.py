"""The helper that libvirt starts for ``<graphics type='rdp'>``: one VM on its private bus, no daemon."""
