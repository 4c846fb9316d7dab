"""A mouse and a finger on the image of the page, which is 320 x 240 pixels large."""

from __future__ import annotations


class Pointer:
    """Presses on the image, at shares of its width and height."""

    def __init__(self, browser):
        self.browser = browser

    def at(self, x, y):
        box = self.browser.execute_script(
            "const canvas = document.getElementById('areas'); canvas.scrollIntoView({block: 'center'});"
            "const box = canvas.getBoundingClientRect(); return [box.left, box.top, box.width, box.height]"
        )
        # The image lies in the middle of its canvas.
        scale = min(box[2] / 320, box[3] / 240)
        return (
            box[0] + (box[2] - 320 * scale) / 2 + x * 320 * scale,
            box[1] + (box[3] - 240 * scale) / 2 + y * 240 * scale,
        )  # fmt: skip

    def tap(self, x, y):
        self.stroke((x, y))

    def stroke(self, *points):
        places = [self.at(*point) for point in points]
        self.send(0, places[0])
        for place in places[1:]:
            self.send(1, place)
        self.send(2, places[-1])


class Mouse(Pointer):
    def send(self, phase, place):
        kind = ("mousePressed", "mouseMoved", "mouseReleased")[phase]
        values = {"type": kind, "x": place[0], "y": place[1], "button": "left", "buttons": int(phase < 2), "clickCount": 1}
        self.browser.execute_cdp_cmd("Input.dispatchMouseEvent", values)


class Finger(Pointer):
    def send(self, phase, place):
        kind = ("touchStart", "touchMove", "touchEnd")[phase]
        points = [] if phase == 2 else [{"x": place[0], "y": place[1]}]
        self.browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
