"""The manifest and the resources of the sample app."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.android_classes import APP, string_names

ANDROID = "{http://schemas.android.com/apk/res/android}"
# Debian's packages aapt and android-framework-res, of Android 10.
FRAMEWORK = Path("/usr/share/android-framework-res/framework-res.apk")


def manifest() -> ElementTree.Element:
    return ElementTree.parse(APP / "AndroidManifest.xml").getroot()


def code() -> str:
    return "".join(path.read_text(encoding="utf-8") for path in APP.rglob("*.kt"))


def test_names_that_the_app_refers_to_exist():
    names = [value for element in manifest().iter() for key, value in element.attrib.items() if key == f"{ANDROID}name"]
    assert "android.permission.CAMERA" in names
    for name in names:
        assert not name.startswith(".") or f"class {name[1:]} : " in code()
    assert set(re.findall(r"R\.string\.(\w+)", code())) | {"app_name"} == set(string_names())
    icon = manifest().find("application").get(f"{ANDROID}icon").removeprefix("@drawable/")
    assert (APP / "res" / "drawable" / f"{icon}.xml").is_file()


def test_strings_take_as_many_values_as_they_are_given():
    texts = {e.get("name"): e.text or "" for e in ElementTree.parse(APP / "res" / "values" / "strings.xml").getroot()}
    calls = re.findall(r"stringResource\(R\.string\.(\w+)((?:, [^()]*(?:\([^()]*\)[^()]*)*)?)\)", code())
    assert len(calls) > 10
    for name, given in calls:
        # Commas within brackets are none between values.
        values = re.sub(r"\([^()]*\)", "", given).count(",")
        assert values == len(set(re.findall(r"%(\d)\$", texts[name]))), name


def test_android_s_own_tool_links_manifest_and_resources(tmp_path):
    if not (shutil.which("aapt2") and FRAMEWORK.is_file()):
        pytest.skip("no aapt2; on Debian: apt-get install aapt android-framework-res")
    root = manifest()
    # What Gradle adds, and without an element that Android 12 brought.
    root.set("package", "kit.app")
    application = root.find("application")
    for element in application.findall("uses-native-library"):
        application.remove(element)
    ElementTree.register_namespace("android", ANDROID.strip("{}"))
    ElementTree.ElementTree(root).write(tmp_path / "AndroidManifest.xml")
    command = ["aapt2", "compile", "--dir", str(APP / "res"), "-o", str(tmp_path / "res.zip")]
    subprocess.run(command, check=True, capture_output=True)
    command = ["aapt2", "link", "-I", str(FRAMEWORK), "--manifest", str(tmp_path / "AndroidManifest.xml")]
    command += ["-o", str(tmp_path / "app.apk"), "--java", str(tmp_path), str(tmp_path / "res.zip")]
    done = subprocess.run([*command, "--min-sdk-version", "23", "--target-sdk-version", "36"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    made = (tmp_path / "kit" / "app" / "R.java").read_text(encoding="utf-8")
    assert set(re.findall(r"int (\w+)=", made)) == {*string_names(), "icon", "shared_files"}


def test_text_stands_on_colors_that_it_is_readable_on():
    """A Surface with a color that is not one of the theme has no text color of its own: black, on a dark theme."""
    for surface in re.findall(r"Surface\((.*?)\) \{", code(), re.DOTALL):
        assert "copy(alpha" not in surface or "contentColor" in surface
    assert "MaterialTheme(colorScheme = darkColorScheme())" in code()
    assert "keepScreenOn = true" in code()
