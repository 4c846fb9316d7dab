#!/usr/bin/env bash
# Downloads TensorFlow Lite's frameworks for iOS to ios/Detector/Frameworks, where the Swift package expects them.
# Needs a Mac with CocoaPods; the pod TensorFlowLiteC has the frameworks that Google builds.
set -euo pipefail

version=${1:-2.17.0}
target=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/Detector/Frameworks

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

mkdir -p "$target"
for name in TensorFlowLiteC TensorFlowLiteCCoreML TensorFlowLiteCMetal; do
    rm -rf "${target:?}/$name.xcframework"
    cp -R "$work/Pods/TensorFlowLiteC/Frameworks/$name.xcframework" "$target/"
done
echo "TensorFlow Lite $version is in $target"
