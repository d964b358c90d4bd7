"""From rows to what would be sent, and what that would cost. Nothing here sends."""
