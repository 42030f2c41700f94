"""The catalogue pages: what a school sells, at which real cost, by which purchase invoice."""
