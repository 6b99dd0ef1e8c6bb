"""What is done to images: decoding a file, finding and normalising a digit, warping, drawing."""
