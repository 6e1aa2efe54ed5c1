"""EdgeConnect (Nazeri et al. 2019, arXiv 1901.00212): edges are completed first, colours along them second."""
