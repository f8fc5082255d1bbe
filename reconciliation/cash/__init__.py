"""Cash application: which receipts settle which open items, by rules in order, with reasons and without guessing."""
