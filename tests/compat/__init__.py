"""Programs in the shapes that FastRTC's users have."""
