"""Speech to text, text to speech, and listening for phrases: protocols, and engines behind them."""
