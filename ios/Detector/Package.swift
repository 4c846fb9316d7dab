// swift-tools-version: 6.0

import PackageDescription

// On Apple platforms TensorFlow Lite is linked as frameworks, which ios/get_tensorflow_lite.sh downloads to the folder
// Frameworks. On Linux, for tests, it is a library whose folder is given to the linker.
#if os(Linux)
let engines: [Target] = [.systemLibrary(name: "TensorFlowLiteC")]
#else
let frameworks = ["TensorFlowLiteC", "TensorFlowLiteCCoreML", "TensorFlowLiteCMetal"]
let engines: [Target] = frameworks.map { .binaryTarget(name: $0, path: "Frameworks/\($0).xcframework") }
#endif

let package = Package(
    name: "Detector",
    platforms: [.iOS(.v16)],
    products: [.library(name: "Detector", targets: ["Detector"])],
    targets: engines + [
        .target(
            name: "Detector",
            dependencies: engines.map { .byName(name: $0.name) },
            linkerSettings: [
                .linkedLibrary("c++", .when(platforms: [.iOS])),
                .linkedFramework("CoreML", .when(platforms: [.iOS])),
                .linkedFramework("Metal", .when(platforms: [.iOS])),
            ]
        ),
        .executableTarget(name: "detector-bench", dependencies: ["Detector"]),
        .testTarget(name: "DetectorTests", dependencies: ["Detector"]),
    ]
)
