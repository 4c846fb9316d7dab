"""The Gradle project of the wrapper for Android, which needs Android's SDK to be built and so is only read here.

The rules are those that the tools' makers publish; each names its page.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import zipfile
from pathlib import Path

import pytest
import tomllib

from tests.support.android_classes import ANDROID

VERSIONS = tomllib.loads((ANDROID / "gradle" / "libs.versions.toml").read_text(encoding="utf-8"))["versions"]
MODULES = ("detector", "litert", "compiled", "app")
BUILDS = {name: (ANDROID / name / "build.gradle.kts").read_text(encoding="utf-8") for name in MODULES}
COMMON = (ANDROID / "build.gradle.kts").read_text(encoding="utf-8")
WRAPPER = ANDROID / "gradle" / "wrapper" / "gradle-wrapper.properties"

# Android Gradle plugin: the lowest Gradle, and the highest API level that it compiles against.
# https://developer.android.com/build/releases/agp-8-10-0-release-notes, and so on for the others
AGP = {"8.10": ("8.11.1", 36), "8.11": ("8.13", 36), "8.12": ("8.13", 36)}
# Kotlin: the lowest and highest AGP, https://developer.android.com/build/kotlin-support
KOTLIN = {"2.1": ("7.4.2", "8.7.2"), "2.2": ("7.3.1", "8.10"), "2.3": ("8.2.2", "8.13")}
# LiteRT: the lowest API level it runs on, https://ai.google.dev/edge/litert/android
LITERT = {"1.4.0": 26, "1.4.1": 21, "1.4.2": 21, "2.0.3": 26, "2.1.4": 23, "2.3.2": 23}
# New apps and updates on Google Play since 31 August 2026.
PLAY_TARGET = 36


def number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def properties() -> dict[str, str]:
    lines = WRAPPER.read_text(encoding="utf-8").splitlines()
    return {key: value.replace("\\:", ":") for key, _, value in (line.partition("=") for line in lines)}


def test_gradle_and_api_level_are_what_the_android_plugin_asks_for():
    gradle = re.fullmatch(r"https://services\.gradle\.org/distributions/gradle-([\d.]+)-bin\.zip", properties()["distributionUrl"])
    least, api = AGP[minor(VERSIONS["agp"])]
    assert gradle
    assert number(gradle[1]) >= number(least)
    assert int(VERSIONS["target-sdk"]) <= int(VERSIONS["compile-sdk"]) <= api
    assert int(VERSIONS["target-sdk"]) >= PLAY_TARGET
    assert re.fullmatch(r"[0-9a-f]{64}", properties()["distributionSha256Sum"])


def test_kotlin_and_the_android_plugin_fit():
    least, most = KOTLIN[minor(VERSIONS["kotlin"])]
    assert number(least) <= number(VERSIONS["agp"])
    assert number(VERSIONS["agp"])[: len(number(most))] <= number(most)


def test_each_module_runs_where_its_litert_does():
    assert LITERT[VERSIONS["litert"]] <= int(VERSIONS["min-sdk"])
    assert LITERT[VERSIONS["litert2"]] <= int(VERSIONS["app-min-sdk"])
    levels = {name: re.search(r"minSdk = libs\.versions\.([\w.]+)\.get", text)[1] for name, text in BUILDS.items()}
    assert levels == {"detector": "min.sdk", "litert": "min.sdk", "compiled": "app.min.sdk", "app": "app.min.sdk"}


def test_build_files_use_the_version_catalog():
    catalog = tomllib.loads((ANDROID / "gradle" / "libs.versions.toml").read_text(encoding="utf-8"))
    known = {name.replace("-", ".") for table in ("libraries", "plugins") for name in catalog[table]}
    texts = [*BUILDS.values(), COMMON]
    used = {name for text in texts for name in re.findall(r"\blibs\.(?:plugins\.)?(?!versions\.)([\w.]+)", text)}
    assert used == known
    numbers = {name for text in texts for name in re.findall(r"\blibs\.versions\.([\w.]+)\.get\(\)", text)}
    entries = [*catalog["libraries"].values(), *catalog["plugins"].values()]
    numbers |= {entry["version"]["ref"].replace("-", ".") for entry in entries if "version" in entry}
    assert numbers == {name.replace("-", ".") for name in VERSIONS}


def test_settings_have_every_module():
    settings = (ANDROID / "settings.gradle.kts").read_text(encoding="utf-8")
    assert set(re.findall(r'":(\w+)"', settings)) == set(MODULES)


def test_any_jdk_compiles_and_warnings_are_errors_for_developers():
    # A toolchain asks for one JDK, which Android Studio's own need not be.
    assert not [text for text in (COMMON, *BUILDS.values()) if "jvmToolchain" in text]
    # Java's two settings, of apps and of libraries.
    assert COMMON.count("JavaVersion.VERSION_17") == 4
    assert "jvmTarget = JvmTarget.JVM_17" in COMMON
    assert 'allWarningsAsErrors = providers.gradleProperty("strict").isPresent' in COMMON


def test_what_modules_have_in_common_stands_in_one_place():
    for name, text in BUILDS.items():
        plugin = "application" if name == "app" else "library"
        # What the root's script waits for.
        assert f"alias(libs.plugins.android.{plugin})" in text
        assert "alias(libs.plugins.kotlin.android)" in text
        for word in ("compileSdk", "compileOptions", "compilerOptions", "publishing", "maven-publish"):
            assert word in COMMON
            assert word not in text, name
    plugins = re.findall(r'plugins\.withId\("(.*)"\)', COMMON)
    assert plugins == ["org.jetbrains.kotlin.android", "com.android.application", "com.android.library"]


@pytest.mark.parametrize("name", MODULES[:-1])
def test_libraries_are_published_and_have_an_explicit_api(name):
    assert "explicitApi()" in BUILDS[name]
    assert 'groupId = "kit.detector"' in COMMON
    assert 'artifactId = if (module.name == "detector") "detector" else "detector-${module.name}"' in COMMON
    assert "libraryVersion = libs.versions.library.get()" in COMMON
    assert 'from(module.components["release"])' in COMMON


def test_an_app_does_not_see_litert():
    """What is compiled in test_kotlin.py without LiteRT's classes in sight; `api` of a library is in sight."""
    for name in MODULES[:-1]:
        exposed = re.findall(r"^    api\((.+)\)$", BUILDS[name], re.MULTILINE)
        assert exposed == (["libs.coroutines"] if name == "detector" else ['project(":detector")'])
    # One artifact in two versions: whichever Gradle takes, one of the modules fails with it.
    app = BUILDS["app"]
    assert '"interpreterImplementation"(project(":litert"))' in app
    assert '"compiledModelImplementation"(project(":compiled"))' in app


def gradle(folder: Path, checksum: str = "") -> subprocess.CompletedProcess[str]:
    """Runs the script in `folder`, with a made-up distribution that prints what it is called with."""
    script = "#!/bin/sh\necho gradle $PWD \"$@\"\n"
    archive = folder / "gradle-9.9-bin.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        entry = zipfile.ZipInfo("gradle-9.9/bin/gradle")
        entry.external_attr = 0o100755 << 16
        packed.writestr(entry, script)
    project = folder / "project"
    (project / "gradle" / "wrapper").mkdir(parents=True)
    (project / "gradlew").write_bytes((ANDROID / "gradlew").read_bytes())
    given = checksum or hashlib.sha256(archive.read_bytes()).hexdigest()
    lines = f"distributionSha256Sum={given}\ndistributionUrl={archive.as_uri()}\n".replace(":", "\\:", 1)
    (project / "gradle" / "wrapper" / "gradle-wrapper.properties").write_text(lines, encoding="utf-8")
    environment = {**os.environ, "GRADLE_USER_HOME": str(folder / "home")}
    return subprocess.run(["sh", project / "gradlew", "assemble"], capture_output=True, text=True, env=environment)


@pytest.fixture(autouse=True, scope="module")
def tools():
    for tool in ("curl", "unzip"):
        if not any((Path(folder) / tool).exists() for folder in os.environ["PATH"].split(os.pathsep)):
            pytest.skip(f"no {tool}")


def test_the_script_runs_the_distribution_that_the_properties_name(tmp_path):
    done = gradle(tmp_path)
    assert done.stdout == f"gradle {tmp_path / 'project'} assemble\n", done.stderr
    assert [path.name for path in (tmp_path / "home" / "edge-detection-kit").iterdir()] == ["gradle-9.9"]


def test_the_script_refuses_a_distribution_with_another_checksum(tmp_path):
    done = gradle(tmp_path, "0" * 64)
    assert done.returncode == 1
    assert "another checksum" in done.stderr
    assert not list((tmp_path / "home" / "edge-detection-kit").iterdir())


def test_the_script_for_windows_compares_the_checksum_before_it_unpacks():
    """Read only: there is no Windows here. Labels are found reliably only in files with Windows's line ends."""
    raw = (ANDROID / "gradlew.bat").read_bytes()
    assert raw.count(b"\r\n") == raw.count(b"\n")
    text = raw.decode("ascii").replace("\r\n", "\n")
    steps = ["curl -fsSL", "certutil -hashfile", 'if /i not "%ACTUAL%"=="%SUM%"', "tar -xf", "move ", 'call "']
    places = [text.index(step) for step in steps]
    assert places == sorted(places)
    for key in ("distributionUrl", "distributionSha256Sum"):
        assert f'if "%%A"=="{key}"' in text
        assert key in properties()
    used = set(re.findall(r"(?:goto|call) :(\w+)", text))
    assert used == set(re.findall(r"^:(\w+)", text, re.MULTILINE))
    assert "exit /b 1" in text
