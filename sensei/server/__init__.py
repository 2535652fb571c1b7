"""The reference server: a faithful Sensei on your own machine."""
