"""Drawing orders (MS-RDPEGDI 2.2.2.2): those that copy, fill, and paint out of the bitmap cache."""
