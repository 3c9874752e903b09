"""A stream in Gradio: the component `WebRTC` and the built-in UI. No other room loads Gradio."""
