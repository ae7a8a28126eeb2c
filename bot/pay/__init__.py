"""WeChat Pay v3: placing, asking about, closing and refunding charges, and what it tells us by itself."""
