"""The till of a partner school: reads QR codes, talks to the API over HTTP, keeps an outbox.

It imports none of the other rooms: what it knows of the service is what the API says.
"""
