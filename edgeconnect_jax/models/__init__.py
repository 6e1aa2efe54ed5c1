"""Networks, and how pictures, edges and masks are put together for them."""
