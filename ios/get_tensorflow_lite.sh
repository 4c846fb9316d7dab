#!/usr/bin/env bash
# Downloads TensorFlow Lite's frameworks for iOS to ios/Detector/Frameworks, where Package.swift expects them.
# Needs a Mac with CocoaPods; the pod TensorFlowLiteC has the frameworks that Google builds. CocoaPods' index takes no
# new versions since 2 December 2026; it keeps those that it has. ios/frameworks.py makes a release without it.
set -euo pipefail

version=${1:-2.17.0}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=$here/Detector/Frameworks

command -v pod >/dev/null || { echo "error: CocoaPods is missing; install it with: brew install cocoapods" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/Podfile" <<END
platform :ios, '16.0'
install! 'cocoapods', :integrate_targets => false
target 'Frameworks' do
  pod 'TensorFlowLiteC', '$version', :subspecs => ['Core', 'CoreML', 'Metal']
end
END
pod install --project-directory="$work"

# The pod's slices have no full Info.plist, without which neither a device nor the App Store takes the app.
python3 "$here/frameworks.py" --folder "$work/Pods/TensorFlowLiteC/Frameworks" complete "$version"

mkdir -p "$target"
for name in TensorFlowLiteC TensorFlowLiteCCoreML TensorFlowLiteCMetal; do
    rm -rf "${target:?}/$name.xcframework"
    cp -R "$work/Pods/TensorFlowLiteC/Frameworks/$name.xcframework" "$target/"
done
echo "TensorFlow Lite $version is in $target"
echo "If Xcode has opened the package before, choose File > Packages > Reset Package Caches."
