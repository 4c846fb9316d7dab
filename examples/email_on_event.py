r"""Sends an email with the image when something appears, at most one in so many seconds.

Example:
    SMTP_PASSWORD=... python examples/email_on_event.py detector_int8.tflite rtsp://camera/stream \
        --server smtp.example.org:587 --user me@example.org --to me@example.org --only person
"""

from __future__ import annotations

import argparse
import os
import smtplib
import sys
from email.message import EmailMessage
from typing import Sequence

import cv2

from runtime import Detection, Frame, KitError, run
from runtime.media.drawing import draw


def main() -> None:
    """Reads the arguments and watches the source until it ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", default="detector_int8.tflite", help="the detector")
    parser.add_argument("source", nargs="?", default="0", help="a video, a camera or a stream (default: camera 0)")
    parser.add_argument("--server", default="localhost:25", help="HOST:PORT of the mail server; 587 with --user")
    parser.add_argument("--user", default="", help="logs in over TLS, with the password in SMTP_PASSWORD")
    parser.add_argument("--to", default="root@localhost", help="the address to write to, and to write from")
    parser.add_argument("--only", help="classes to write about, with commas (default: all)")
    parser.add_argument("--every", type=float, default=600, help="least seconds between two emails (default: 600)")
    arguments = parser.parse_args()

    options = {"only": arguments.only} if arguments.only else {}
    next_time = float("-inf")
    for frame, detections in run(file=arguments.file, source=arguments.source, **options):
        if not detections or frame.steady_time < next_time:
            continue
        # Set before sending: a server that is away must not be asked anew for each frame.
        next_time = frame.steady_time + arguments.every
        try:
            send(message(frame, detections, arguments.to), arguments.server, arguments.user)
            print(f"{frame.time:.2f} sent: {', '.join(found.label for found in detections)}", flush=True)
        except (OSError, smtplib.SMTPException) as error:
            # Watching goes on: the next email may get through.
            print(f"{frame.time:.2f} not sent: {error}", file=sys.stderr)


def message(frame: Frame, detections: Sequence[Detection], address: str) -> EmailMessage:
    """The email: what was found, and the image with its boxes as a JPEG."""
    email = EmailMessage()
    email["From"] = email["To"] = address
    email["Subject"] = "seen: " + ", ".join(sorted({found.label for found in detections}))
    email.set_content("\n".join(f"{found.label} {found.score:.2f}" for found in detections))
    image = draw(frame.image, detections, frame.color)
    email.add_attachment(cv2.imencode(".jpg", image)[1].tobytes(), "image", "jpeg", filename=f"{frame.index}.jpg")
    return email


def send(email: EmailMessage, server: str, user: str) -> None:
    """Sends one email. Raises OSError or SMTPException."""
    host, _, port = server.partition(":")
    with smtplib.SMTP(host, int(port or 25), timeout=30) as connection:
        if user:
            connection.starttls()
            connection.login(user, os.environ["SMTP_PASSWORD"])
        connection.send_message(email)


if __name__ == "__main__":
    try:
        main()
    except KitError as error:  # a missing file, a camera that is away: one line says what to do
        sys.exit(f"error: {error}")
