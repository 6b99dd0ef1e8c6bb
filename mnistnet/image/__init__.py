"""Image processing: decode files, find and normalise digits, distort and draw them."""
