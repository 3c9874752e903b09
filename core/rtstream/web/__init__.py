"""What a browser is served: the custom element `<rt-stream>` and a plain page around it."""
