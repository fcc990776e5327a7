// What libFuzzer calls with every input: one of the readers of files that nobody vouches for. A reader may throw, and must
// not trap, run on or take more memory than the input justifies; what it accepts must survive the way out and in again.

import Prism
import PrismCard
import PrismFiles
import PrismModels
import PrismTensor
import PrismTraining
import PrismWeights

@testable import PrismMedia
@testable import PrismReport
@testable import PrismServer

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The readers by name; PRISM_FUZZ_TARGET chooses one.
private let targets: [String: @Sendable ([UInt8]) -> Void] = [
  "picture": picture, "sound": sound, "weights": weights, "card": card, "graph": graph,
  "json": json, "npy": npy,
  "csv": csv, "checkpoint": checkpoint, "request": request, "archive": archive, "form": form,
  "asking": asking, "tensor": tensor, "pixels": pixels, "frames": frames,
]

private let target: @Sendable ([UInt8]) -> Void = {
  let name = getenv("PRISM_FUZZ_TARGET").map { String(cString: $0) } ?? ""
  guard let target = targets[name] else {
    let names = targets.keys.sorted().joined(separator: ", ")
    say("PRISM_FUZZ_TARGET is \"\(name)\"; there are \(names)")
    exit(2)
  }
  return target
}()

// The package manager calls a program's main function by the target's name; libFuzzer's driver is its only content.

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

@_cdecl("PrismFuzz_main")
public func runFuzzer(
  _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> CInt {
  var (count, arguments) = (count, arguments)
  return runDriver(&count, &arguments, testOneInput)
}

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  target(Array(UnsafeBufferPointer(start: data, count: count)))
  return 0
}

/// Writes a line to standard error.
private func say(_ text: String) {
  let line = Array("fuzz: \(text)\n".utf8)
  _ = write(2, line, line.count)
}

/// Ends the process where something that must hold does not.
private func require(_ condition: Bool, _ what: String) {
  if !condition {
    say(what)
    abort()
  }
}

@Sendable private func picture(_ bytes: [UInt8]) {
  // GDCM is a process of its own, far too slow to start a thousand times a second.
  if PictureFormat(of: bytes) == .dicom {
    guard let elements = try? DICOMElements(bytes, name: "fuzz"), elements.isPlain else { return }
  }
  guard
    let image = try? Image(
      decoding: bytes, options: PictureOptions(limits: Limits([.pixels: 1 << 16]), frame: 1))
  else { return }
  require(image.width * image.height <= 1 << 16, "a picture is larger than the limit")
  require(image.pixels.count == image.width * image.height * 3, "a picture has lost pixels")
  guard image.width * image.height <= 1 << 14 else { return }
  let small = image.resized(width: 5, height: 3, method: .bicubic)
  require(small.pixels.count == 45, "a resize has lost pixels")
  guard let data = try? image.pngData(), let again = try? Image(decoding: data) else {
    return require(false, "a picture cannot be written and read again")
  }
  require(again.pixels == image.pixels, "a picture has changed on its way through PNG")
}

@Sendable private func sound(_ bytes: [UInt8]) {
  let options = SoundOptions(limits: Limits([.samples: 1 << 20]))
  guard let sound = try? Sound(decoding: bytes, options: options) else { return }
  require(sound.samples.count <= 1 << 20, "a sound is longer than the limit")
  require(sound.samples.allSatisfy(\.isFinite), "a sound has samples that are not finite")
  require(sound.rate > 0, "a sound has no rate")
}

@Sendable private func weights(_ bytes: [UInt8]) {
  guard let file = try? SafetensorsFile(MappedFile(copying: bytes, path: "fuzz")) else { return }
  _ = try? file.card()
  for entry in file.entries {
    guard let tensor = try? file.tensor(entry.name) else { continue }
    require(tensor.isFinite, "a weight is not finite")
    require(tensor.count * 2 <= bytes.count, "a tensor is larger than its file")
  }
}

@Sendable private func card(_ bytes: [UInt8]) {
  let text = String(decoding: bytes, as: UTF8.self)
  guard let card = try? ModelCard(json: text, file: "fuzz") else { return }
  require((try? card.validate(file: "fuzz")) != nil, "a card that was read is not valid")
  let again = try? ModelCard(json: card.json, file: "fuzz")
  require(again == card, "a card has changed on its way out and in")
}

/// Tensors that the nodes of a card may read.
private let graphTensors = [
  "w": Tensor([4, 3, 3, 3]), "v": Tensor([4, 1, 3, 3]), "u": Tensor([8, 4, 1, 1]),
  "c": Tensor([4]), "s": Tensor([1]), "fc.weight": Tensor([2, 4]), "fc.bias": Tensor([2]),
]

@Sendable private func graph(_ bytes: [UInt8]) {
  let text = String(decoding: bytes, as: UTF8.self)
  Limits.$current.withValue(Limits([.elements: 1 << 20, .pixels: 1 << 16])) {
    guard let card = try? ModelCard(json: text, file: "fuzz"), card.architecture == .graph else {
      return
    }
    var network: Network?
    _ = try? WeightReader.bind(graphTensors) { network = try Network(card, $0) }
    guard let network, let recording = try? network.record() else { return }
    for value in recording.values {
      require(value.shape.isValid, "a value has no shape")
      require(value.shape.count <= 1 << 20, "a value is larger than the limit")
    }
  }
}

@Sendable private func json(_ bytes: [UInt8]) {
  let text = String(decoding: bytes, as: UTF8.self)
  guard let value = try? JSONReader.parse(text) else { return }
  require(
    (try? JSONReader.parse(value.formatted)) == value, "JSON has changed on its way out and in")
}

@Sendable private func npy(_ bytes: [UInt8]) {
  if let integers = try? ArrayFile.integers(decoding: bytes, name: "fuzz") {
    require(integers.values.count == integers.shape.count, "an array has lost elements")
  }
  guard let tensor = try? ArrayFile.tensor(decoding: bytes, name: "fuzz") else { return }
  require(tensor.count <= bytes.count, "an array is larger than its file")
  guard let again = try? ArrayFile.tensor(decoding: ArrayFile.data(tensor), name: "fuzz") else {
    return require(false, "an array cannot be written and read again")
  }
  let same =
    again.shape == tensor.shape
    && zip(again.scalars, tensor.scalars).allSatisfy { $0.bitPattern == $1.bitPattern }
  require(same, "an array has changed on its way out and in")
}

@Sendable private func csv(_ bytes: [UInt8]) {
  guard var reader = try? CSVReader(bytes, path: "fuzz") else { return }
  var rows = 0
  while let row = try? reader.next() {
    require(row.cells.count == reader.header.count, "a row has another number of cells")
    rows += 1
    require(rows <= bytes.count, "a table has more rows than bytes")
  }
}

@Sendable private func checkpoint(_ bytes: [UInt8]) {
  // What a small network has.
  let parameters = ["a": Tensor([2, 2]), "b": Tensor([3])]
  guard let file = try? SafetensorsFile(MappedFile(copying: bytes, path: "fuzz")),
    // No mutation would keep the digest, which a reader looks at last.
    let state = try? Checkpoint(
      file, fingerprint: [], parameters: parameters, monitor: .loss, checksDigest: false)
  else { return }
  guard let written = try? state.writer(fingerprint: []).bytes(),
    let again = try? SafetensorsFile(MappedFile(copying: written, path: "fuzz")),
    let read = try? Checkpoint(again, fingerprint: [], parameters: parameters, monitor: .loss)
  else { return require(false, "a checkpoint cannot be written and read again") }
  require(
    (try? read.writer(fingerprint: []).bytes()) == written,
    "a checkpoint has changed on its way out and in")
}

@Sendable private func request(_ bytes: [UInt8]) {
  guard
    let request = try? JSONDecoder().decode(ExplanationRequest.self, from: Data(bytes))
  else { return }
  _ = try? WindowChoice(request.windows)
  for name in Limits.Name.allCases {
    require((1...Limits.most).contains(request.limits[name]), "a limit is out of its range")
  }
  guard let written = try? JSONEncoder().encode(request) else {
    return require(false, "a request cannot be written")
  }
  require(
    (try? JSONDecoder().decode(ExplanationRequest.self, from: written)) == request,
    "a request has changed on its way out and in")
}

/// What the server may be asked, without a server.
private let configuration = ServerConfiguration(
  catalogue: ModelCatalogue(explicit: "/", environment: [:], executable: nil), data: "/")
private let reader = RequestReader(configuration)
private let studies = StudyReader(configuration)

@Sendable private func archive(_ bytes: [UInt8]) {
  guard let zip = try? ZIPReader(bytes, most: 1 << 20) else { return }
  require(
    zip.files.reduce(0) { $0 + $1.contents.count } <= 1 << 20, "an archive unfolds beyond the limit"
  )
  for file in zip.files {
    let isPath = file.name.contains("/") || file.name.contains("\\") || file.name.hasPrefix(".")
    require(!isPath && !file.name.isEmpty, "an archive has a path")
  }
  guard let written = try? ZIPArchive.bytes(of: zip.files),
    let again = try? ZIPReader(written, most: 1 << 20)
  else { return require(false, "an archive cannot be written and read again") }
  require(again.files == zip.files, "an archive has changed on its way out and in")
  guard let kept = try? KeptAnalysis(zip, reader) else { return }
  require(kept.record.state == .done && !kept.input.isEmpty, "an analysis is not whole")
}

@Sendable private func form(_ bytes: [UInt8]) {
  guard let form = try? Multipart(bytes, type: "multipart/form-data; boundary=x") else { return }
  require(
    form.parts.reduce(0) { $0 + $1.contents.count } <= bytes.count, "a form has grown")
  for part in form.parts {
    let name = NewAnalysis.plain(part.fileName ?? "")
    require(!name.isEmpty && !name.contains("/"), "a name of a file is a path")
  }
  if let asked = form["request"] { asking(asked.contents) }
}

@Sendable private func asking(_ bytes: [UInt8]) {
  guard let json = try? JSON(utf8: bytes) else { return }
  _ = try? NewAnalysis.tags(json["tags"])
  studying(json["request"] ?? json)
  guard let request = try? reader.request(json["request"] ?? json) else { return }
  require(request.truth == nil, "a request names a file of the server")
  for method in request.methods {
    for text in [method.segments, method.mask].compactMap({ $0 }) {
      require(!text.contains("/"), "a request names a file of the server")
    }
  }
  require((try? request.keptText()) != nil, "a request cannot be kept")
}

private func studying(_ json: JSON) {
  for uploaded in [[], [.inputs], [.positive, .random, .inputs]] as [Set<StudyRequest.Role>] {
    guard let request = try? studies.request(json, uploaded: uploaded) else { continue }
    for case .data(let slice) in request.sources.values {
      require((1...configuration.mostExamples).contains(slice.limit), "a study has no limit")
    }
    require(!request.model.isEmpty || !request.sources.isEmpty, "a study asks for nothing")
  }
}

@Sendable private func tensor(_ bytes: [UInt8]) {
  for length in [nil, "\(bytes.count / 2)", "\(bytes.firstIndex(of: 0) ?? 0)"] {
    guard let body = try? TensorBody(bytes, headerLength: length) else { continue }
    _ = try? body.outputs()
    guard let input = try? body.input(shape: [2, 2, 3]) else { continue }
    require(input.isFinite && input.count == 12 * input.shape[0], "a tensor has lost elements")
  }
}

@Sendable private func pixels(_ bytes: [UInt8]) {
  guard let json = try? JSON(utf8: bytes), let image = try? PixelArray.image(json, limits: Limits())
  else { return }
  require(image.pixels.count == 3 * image.width * image.height, "a picture has lost pixels")
}

/// What a worker is sent, without a model.
@Sendable private func frames(_ bytes: [UInt8]) {
  let limits = Limits([.bytes: 1 << 12])
  var (rest, most) = (bytes[...], 1)
  var frames = FrameReader { wanted in
    most = most % 97 + 13
    let part = rest.prefix(min(most, wanted))
    rest = rest.dropFirst(part.count)
    return Array(part)
  }
  var taken = 0
  while let frame = try? frames.next(limit: limits[.bytes]) {
    taken += 4 + frame.size
    require(taken <= bytes.count, "a frame has more bytes than its stream")
    require((frame.payload == nil) == (frame.size > limits[.bytes]), "a payload is lost")
    require(frame.payload.map { $0.count == frame.size } ?? true, "a payload has another size")
    again(frame)
    switch try? WorkerRequest(frame, limits) {
    case .explain(let job):
      require(job.bytes.count == frame.size, "an input has lost bytes")
      if let evaluation = job.evaluation { render(evaluation) } else { form(of: job.request) }
    case .prepare(_, let request): form(of: request)
    default: break
    }
  }
}

/// The first and the last of the perturbed images that somebody asks for, of a small picture.
private func render(_ evaluation: WorkerEvaluation) {
  let image = ExplainedImage(Tensor([1, 6, 5, 3], (0..<90).map { Float($0) / 90 }))
  guard let images = try? evaluation.images(of: image), images.count > 0 else { return }
  var pixels = [Float](repeating: 0, count: 90)
  for sample in [0, images.count - 1] {
    pixels.withUnsafeMutableBufferPointer { target in
      if let start = target.baseAddress { images.write(sample, to: start) }
    }
  }
}

/// A frame has to survive the way out and in again.
private func again(_ frame: FrameReader.Incoming) {
  guard let payload = frame.payload, let kind = frame.header["kind"]?.string,
    case .object(let members) = frame.header
  else { return }
  let others = members.filter { $0.name != "kind" && $0.name != "bytes" }
  var rest = Frame(kind, others, payload: payload).bytes[...]
  // What a header escapes may be longer than it was.
  guard rest.count - payload.count <= Frame.headerLimit else { return }
  var frames = FrameReader { wanted in
    defer { rest = rest.dropFirst(wanted) }
    return Array(rest.prefix(wanted))
  }
  guard let read = try? frames.next(limit: payload.count) else {
    return require(false, "a frame cannot be sent and read again")
  }
  let isSame =
    read.payload == payload && read.header["kind"] == frame.header["kind"]
    && others.allSatisfy { read.header[$0.name] == $0.value }
  require(isSame, "a frame has changed on its way out and in")
}

/// The one form of a request has to be its own form.
private func form(of json: JSON) {
  guard let request = try? reader.request(json, model: "m"), let form = try? request.canonical()
  else { return }
  // Seeds beyond what JSON's readers take for whole numbers are refused on their way back.
  guard request.seed <= UInt64(Int.max) else { return }
  guard let again = try? reader.request(form, model: "m") else {
    return require(false, "the form of a request is refused")
  }
  require((try? again.canonical()) == form, "the form of a request has another form")
}
