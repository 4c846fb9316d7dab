// swift-tools-version: 6.0

import Foundation
import PackageDescription

// The manifest is at the root of the repository, where `.package(url:)` looks for it. The sources are in ios/Detector.
let folder = "ios/Detector"

// TensorFlow Lite's C API comes from one of these, the first that is there:
// - frameworks in ios/Detector/Frameworks, from ios/get_tensorflow_lite.sh;
// - zipped frameworks by URL and checksum: the list below, which ios/frameworks.py writes;
// - nothing: the package builds without an engine of its own, and the app gives a `Detector` one.
// On Linux, for tests, it is a library whose folder is given to the linker.
let releasedFrameworks: [Target] = [
]

#if os(Linux)
let engines: [Target] = [.systemLibrary(name: "TensorFlowLiteC", path: "\(folder)/Sources/TensorFlowLiteC")]
#else
let engines: [Target] = localFrameworks() ?? releasedFrameworks
#endif

func localFrameworks() -> [Target]? {
    let names = ["TensorFlowLiteC", "TensorFlowLiteCCoreML", "TensorFlowLiteCMetal"]
    let paths = names.map { "\(folder)/Frameworks/\($0).xcframework" }
    guard paths.allSatisfy({ FileManager.default.fileExists(atPath: "\(Context.packageDirectory)/\($0)") }) else {
        return nil
    }
    return zip(names, paths).map { .binaryTarget(name: $0, path: $1) }
}

let package = Package(
    name: "EdgeDetection",
    platforms: [.iOS(.v16)],
    products: [.library(name: "EdgeDetection", targets: ["EdgeDetection"])],
    targets: engines + [
        .target(
            name: "EdgeDetection",
            dependencies: engines.map { .byName(name: $0.name) },
            path: "\(folder)/Sources/EdgeDetection",
            linkerSettings: [
                .linkedLibrary("c++", .when(platforms: [.iOS])),
                .linkedFramework("CoreML", .when(platforms: [.iOS])),
                .linkedFramework("Metal", .when(platforms: [.iOS])),
            ]
        ),
        .executableTarget(
            name: "edge-detection-bench", dependencies: ["EdgeDetection"], path: "\(folder)/Sources/edge-detection-bench"),
        .testTarget(
            name: "EdgeDetectionTests", dependencies: ["EdgeDetection"], path: "\(folder)/Tests/EdgeDetectionTests"),
    ]
)
