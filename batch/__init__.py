"""What runs by itself: jobs and their calendar, bank files in and out, imports, mails and documents."""
