"""The telephone carriers whose numbers can be led to us: one file a carrier, over their REST APIs."""
