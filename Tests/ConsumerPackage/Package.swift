// swift-tools-version: 6.2
import PackageDescription

// A program of somebody else: it depends on Prism by its version and imports nothing but Prism.
// `Tools/consumer.sh` builds and runs it against the working copy's last commit.
let package = Package(
  name: "consumer",
  platforms: [.macOS(.v26)],
  dependencies: [
    .package(url: "https://github.com/prism-xai/prism", from: "0.1.0")
  ],
  targets: [
    .executableTarget(
      name: "Consumer", dependencies: [.product(name: "Prism", package: "prism")],
      swiftSettings: [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
      ])
  ])
