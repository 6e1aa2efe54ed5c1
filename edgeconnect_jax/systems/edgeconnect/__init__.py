"""EdgeConnect (Nazeri et al. 2019, arXiv 1901.00212): completes edges first, then fills in colours along them."""
