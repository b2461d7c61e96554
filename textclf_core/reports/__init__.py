"""What is shown of stored records."""
