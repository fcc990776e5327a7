internal import Hummingbird
internal import Prism

/// Whether the server is there and ready, and its counts.
struct HealthRoutes {
  let platform: Platform

  func add(to router: Router<PrismContext>) {
    router.get("v2/health/live") { _, _ in Response.json(["live": .bool(true)]) }
    router.get("v2/health/ready") { _, _ in
      try await platform.store.check()
      return Response.json(["ready": .bool(true)])
    }
    router.get("metrics") { _, _ in
      let short = await platform.queue.counts(in: .short)
      let long = await platform.queue.counts(in: .long)
      return Response.bytes(
        Array(
          platform.metrics.text(
            lanes: [
              ("short", short.waiting, short.running), ("long", long.waiting, long.running),
            ], models: platform.shelf.open, painted: platform.painted.byteCount
          ).utf8), type: "text/plain; version=0.0.4; charset=utf-8")
    }
  }
}
