internal import Hummingbird
internal import Prism

/// The data sets that were named when the server began.
struct DatasetRoutes {
  let platform: Platform

  func add(to router: Router<PrismContext>) {
    router.get("v1/datasets") { _, context in
      let platform = platform
      let list = try await platform.answer(context) { platform.data.json }
      return Response.json(["datasets": list])
    }
  }
}
