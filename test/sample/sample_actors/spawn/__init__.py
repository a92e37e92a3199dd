"""Starting and ending workers."""
