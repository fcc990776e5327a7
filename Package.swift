// swift-tools-version: 6.2
import PackageDescription

// House settings, in every Swift target of the package (see CONTRIBUTING.md).
let house: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

// Loops over numbers are unusable without the optimiser (a thousand times slower), so modules that
// hold such loops are optimised in debug builds too. Tools version 6.2 lets dependents build
// despite `unsafeFlags`.
let numeric: [SwiftSetting] = house + [.unsafeFlags(["-O"], .when(configuration: .debug))]

// Swift has no name for the instruction that fetches memory ahead of its use; its own module has.
//
// The vector operations are inlined from one file into others, which takes the whole module: without
// it the tests' kernels take ten times as long.
let kernels =
  numeric + [
    .enableExperimentalFeature("BuiltinModule"),
    .unsafeFlags(
      ["-whole-module-optimization", "-num-threads", "2"], .when(configuration: .debug)),
  ]

// The SIMD loops are compiled once per instruction set, from the same files (symbolic links). On
// Intel and AMD processors two variants beyond the baseline exist; elsewhere the baseline is the
// only one.
#if arch(x86_64)
  let simdVariants: [Target] = [
    .target(
      name: "PrismKernelsAVX2", dependencies: ["PrismKernelsBaseline"],
      swiftSettings: kernels + [
        .define("PRISM_AVX2"), .unsafeFlags(["-Xcc", "-march=x86-64-v3"]),
      ]),
    .target(
      name: "PrismKernelsAVX512", dependencies: ["PrismKernelsBaseline"],
      swiftSettings: kernels + [
        .define("PRISM_AVX512"), .unsafeFlags(["-Xcc", "-march=x86-64-v4"]),
      ]),
  ]
  let simdVariantNames: [Target.Dependency] = ["PrismKernelsAVX2", "PrismKernelsAVX512"]
#else
  let simdVariants: [Target] = []
  let simdVariantNames: [Target.Dependency] = []
#endif

// Modules that never touch a raw pointer are compiled with strict memory safety.
let safe: [SwiftSetting] = house + [.strictMemorySafety()]

// The benchmarks measure the machine's peak with the instructions that the kernels use: one loop,
// compiled for each.
#if arch(x86_64)
  let peakVariants: [Target] = [("avx2", "v3"), ("avx512", "v4")].map { name, level in
    .target(
      name: "PrismPeak\(name.uppercased())", path: "Benchmarks/peak/\(name)",
      swiftSettings: numeric + [
        .define("PRISM_\(name.uppercased())"), .unsafeFlags(["-Xcc", "-march=x86-64-\(level)"]),
      ])
  }
#else
  let peakVariants: [Target] = []
#endif
let peakVariantNames = peakVariants.map { Target.Dependency(stringLiteral: $0.name) }

// The fuzzer is a target only where Tools/fuzz.sh asks for it: it has no main function of its own.
let isFuzzing = Context.environment["PRISM_FUZZ"] != nil
let fuzzers: [Target] =
  !isFuzzing
  ? []
  : [
    .executableTarget(
      name: "PrismFuzz",
      dependencies: [
        "Prism", "PrismCard", "PrismFiles", "PrismMedia", "PrismModels", "PrismReport",
        "PrismServer",
        "PrismTensor", "PrismTraining", "PrismWeights",
      ],
      path: "Tools/fuzz", exclude: ["seeds.py"], swiftSettings: numeric)
  ]

let package = Package(
  name: "prism",
  platforms: [.macOS(.v26)],
  products: [
    .library(name: "Prism", targets: ["Prism"]),
    .executable(name: "prism", targets: ["PrismMain"]),
    .executable(name: "prism-server", targets: ["PrismServerMain"]),
    .executable(name: "prism-bench", targets: ["PrismBench"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
    .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(
      url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1",
      traits: ["FullFoundation"]),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.0.0"),
  ],
  targets: [
    // System libraries. Those without pkgConfig are loaded when they are first needed; only their
    // headers are used.
    .systemLibrary(name: "CSPNG", pkgConfig: "spng", providers: [.apt(["libspng-dev"])]),
    .systemLibrary(name: "CTIFF", providers: [.apt(["libtiff-dev"])]),
    .systemLibrary(name: "CWebP", providers: [.apt(["libwebp-dev"])]),
    .systemLibrary(name: "CTurboJPEG", providers: [.apt(["libturbojpeg0-dev"])]),
    .systemLibrary(name: "CCairo", providers: [.apt(["libcairo2-dev"])]),
    .systemLibrary(
      name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CFFTW", providers: [.apt(["libfftw3-dev"])]),
    .systemLibrary(name: "CSndFile", providers: [.apt(["libsndfile1-dev"])]),
    .systemLibrary(name: "CMPG123", providers: [.apt(["libmpg123-dev"])]),
    .systemLibrary(name: "CNettle", pkgConfig: "nettle", providers: [.apt(["nettle-dev"])]),

    // The way data takes, from the loops up to the command.
    .target(name: "PrismKernelsBaseline", swiftSettings: kernels),
    .target(
      name: "PrismKernels",
      dependencies: ["PrismKernelsBaseline"] + simdVariantNames, swiftSettings: numeric),
    .target(name: "PrismTensor", dependencies: ["PrismKernels"], swiftSettings: numeric),
    .target(
      name: "PrismAutodiff", dependencies: ["PrismKernels", "PrismTensor"], swiftSettings: numeric),
    .target(name: "PrismFiles", dependencies: ["CNettle", "CZlib"], swiftSettings: house),
    .target(name: "PrismCard", dependencies: ["PrismFiles"], swiftSettings: safe),
    .target(
      name: "PrismWeights",
      dependencies: ["PrismCard", "PrismFiles", "PrismKernels", "PrismTensor"],
      swiftSettings: numeric),
    .target(
      name: "PrismLayers",
      dependencies: ["PrismAutodiff", "PrismCard", "PrismTensor", "PrismWeights"],
      swiftSettings: safe),
    .target(
      name: "PrismModels",
      dependencies: [
        "PrismAutodiff", "PrismCard", "PrismFiles", "PrismLayers", "PrismTensor", "PrismWeights",
      ], swiftSettings: safe),
    .target(
      name: "PrismRuntime", dependencies: ["PrismAutodiff", "PrismKernels", "PrismTensor"],
      swiftSettings: numeric),
    .target(
      name: "PrismExplain",
      dependencies: ["PrismAutodiff", "PrismKernels", "PrismRuntime", "PrismTensor"],
      swiftSettings: numeric),
    .target(
      name: "PrismMedia",
      dependencies: [
        "CCairo", "CDeflate", "CFFTW", "CMPG123", "CSPNG", "CSndFile", "CTIFF", "CTurboJPEG",
        "CWebP", "PrismCard", "PrismFiles", "PrismKernels", "PrismTensor",
      ],
      swiftSettings: numeric),
    .target(
      name: "PrismTraining",
      dependencies: [
        "PrismAutodiff", "PrismCard", "PrismFiles", "PrismKernels", "PrismLayers", "PrismMedia",
        "PrismModels", "PrismRuntime", "PrismTensor", "PrismWeights",
      ], swiftSettings: numeric),
    .target(
      name: "Prism",
      dependencies: [
        "PrismAutodiff", "PrismCard", "PrismExplain", "PrismFiles", "PrismKernels", "PrismLayers",
        "PrismMedia", "PrismModels", "PrismRuntime", "PrismTensor", "PrismTraining", "PrismWeights",
      ], swiftSettings: safe),
    .target(name: "PrismReport", dependencies: ["Prism"], swiftSettings: safe),
    .target(
      name: "PrismCLI",
      dependencies: [
        "Prism", "PrismReport", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: safe),
    .executableTarget(name: "PrismMain", dependencies: ["PrismCLI"], swiftSettings: safe),
    .target(
      name: "PrismServer",
      dependencies: [
        "Prism", "PrismReport", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        "PrismPage",
      ], exclude: ["README.md"], swiftSettings: safe),
    // The page's files become a part of the program.
    .target(
      name: "PrismPage", exclude: ["Files"],
      swiftSettings: house + (isFuzzing ? [.define("WITHOUT_PAGE")] : []),
      plugins: isFuzzing ? [] : ["EmbedPage"]),
    .plugin(name: "EmbedPage", capability: .buildTool(), dependencies: ["PageEmbedder"]),
    .executableTarget(name: "PageEmbedder", swiftSettings: house),
    .executableTarget(
      name: "PrismServerMain", dependencies: ["PrismServer"], swiftSettings: safe),

    // Benchmarks.
    .executableTarget(
      name: "PrismBench",
      dependencies: [
        "Prism", "PrismAutodiff", "PrismKernels", "PrismModels", "PrismOperationCases",
        "PrismRuntime",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ] + peakVariantNames, path: "Benchmarks/prism-bench", swiftSettings: numeric),

    // Tests: one target per module, and what they share.
    .target(
      name: "PrismOperationCases", dependencies: ["PrismAutodiff", "PrismTensor"],
      path: "Tests/OperationCases", swiftSettings: numeric),
    .target(
      name: "PrismTestSupport",
      dependencies: ["PrismAutodiff", "PrismCard", "PrismOperationCases", "PrismTensor"],
      path: "Tests/Support", swiftSettings: numeric),
    .target(
      name: "PrismSmallModels", dependencies: ["Prism", "PrismModels", "PrismTestSupport"],
      path: "Tests/SmallModels", swiftSettings: house),
    .testTarget(
      name: "PrismKernelsTests", dependencies: ["PrismKernels", "PrismTestSupport"],
      swiftSettings: numeric),
    .testTarget(
      name: "PrismTensorTests", dependencies: ["PrismTensor", "PrismTestSupport"],
      swiftSettings: house),
    .testTarget(
      name: "PrismAutodiffTests",
      dependencies: ["PrismAutodiff", "PrismOperationCases", "PrismTensor", "PrismTestSupport"],
      swiftSettings: house),
    .testTarget(
      name: "PrismMediaTests",
      dependencies: [
        "PrismCard", "PrismFiles", "PrismMedia", "PrismTensor", "PrismTestSupport",
      ],
      resources: [.copy("Fixtures")], swiftSettings: house),
    .testTarget(
      name: "PrismFilesTests",
      dependencies: ["CZlib", "PrismFiles", "PrismTensor", "PrismTestSupport"],
      swiftSettings: house),
    .testTarget(
      name: "PrismCardTests", dependencies: ["PrismCard", "PrismFiles", "PrismTestSupport"],
      swiftSettings: house),
    .testTarget(
      name: "PrismWeightsTests",
      dependencies: ["PrismCard", "PrismFiles", "PrismTensor", "PrismTestSupport", "PrismWeights"],
      swiftSettings: house),
    .testTarget(
      name: "PrismRuntimeTests",
      dependencies: [
        "PrismAutodiff", "PrismCard", "PrismKernels", "PrismModels", "PrismRuntime", "PrismTensor",
        "PrismTestSupport", "PrismWeights",
      ], swiftSettings: numeric),
    .testTarget(
      name: "PrismExplainTests",
      dependencies: [
        "PrismAutodiff", "PrismExplain", "PrismRuntime", "PrismTensor", "PrismTestSupport",
      ], swiftSettings: house),
    .testTarget(
      name: "PrismTrainingTests",
      dependencies: [
        "PrismAutodiff", "PrismCard", "PrismFiles", "PrismKernels", "PrismLayers", "PrismMedia",
        "PrismModels", "PrismRuntime", "PrismTensor", "PrismTestSupport", "PrismTraining",
        "PrismWeights",
      ], swiftSettings: house),
    .testTarget(
      name: "PrismLayersTests",
      dependencies: [
        "PrismAutodiff", "PrismCard", "PrismLayers", "PrismTensor", "PrismTestSupport",
        "PrismWeights",
      ], swiftSettings: house),
    .testTarget(
      name: "PrismModelsTests",
      dependencies: [
        "PrismAutodiff", "PrismCard", "PrismFiles", "PrismLayers", "PrismModels",
        "PrismOperationCases", "PrismTensor", "PrismTestSupport", "PrismWeights",
      ], swiftSettings: house),
    .testTarget(
      name: "PrismTests",
      dependencies: [
        "Prism", "PrismKernels", "PrismRuntime", "PrismSmallModels", "PrismTestSupport",
      ],
      swiftSettings: house),
    .testTarget(
      name: "ParityTests",
      dependencies: [
        "Prism", "PrismAutodiff", "PrismCard", "PrismExplain", "PrismFiles", "PrismModels",
        "PrismRuntime", "PrismTensor", "PrismTestSupport", "PrismWeights",
      ], swiftSettings: house),
    .testTarget(
      name: "PrismCLITests",
      dependencies: [
        "Prism", "PrismCLI", "PrismFiles", "PrismKernels", "PrismModels", "PrismReport",
        "PrismRuntime", "PrismSmallModels", "PrismTestSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: house),
    .testTarget(
      name: "PrismServerTests",
      dependencies: [
        "Prism", "PrismPage", "PrismReport", "PrismServer", "PrismSmallModels", "PrismTestSupport",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOEmbedded", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      swiftSettings: house),
    .testTarget(
      name: "PrismReportTests",
      dependencies: ["Prism", "PrismModels", "PrismReport", "PrismTestSupport"],
      swiftSettings: house),
  ] + simdVariants + peakVariants + fuzzers
)
