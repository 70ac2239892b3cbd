"""From a VM's picture to its viewers: streams, who shares one, and the threads that compute them."""
