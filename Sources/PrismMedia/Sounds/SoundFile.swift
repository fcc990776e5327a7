internal import CSndFile

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Sound files through libsndfile, from and to memory.
enum SoundFile {
  /// Decodes a WAV, FLAC or Ogg file.
  static func decode(
    _ bytes: [UInt8], format: SoundFormat, name: String, options: SoundOptions
  ) throws(SoundError) -> ChannelMixer {
    guard let library = LibSndFile.loaded else {
      throw .unreadable(name, reason: missingLibrary)
    }
    return try bytes.withUnsafeBufferPointer { source throws(SoundError) in
      var memory = Memory(source: UnsafeRawBufferPointer(source))
      return try withUnsafeMutablePointer(to: &memory) { memory throws(SoundError) in
        var info = SF_INFO()
        var access = Memory.access
        guard let file = library.open(&access, CInt(SFM_READ), &info, memory) else {
          throw failure(of: library.error(nil), library, name: name)
        }
        defer { _ = library.close(file) }
        return try read(file, library, info, format: format, name: name, options: options)
      }
    }
  }

  private static let missingLibrary = "sounds need libsndfile; install the package libsndfile1"

  private static func failure(
    of code: CInt, _ library: LibSndFile, name: String
  ) -> SoundError {
    switch code {
    case CInt(SF_ERR_UNRECOGNISED_FORMAT): .unrecognised(name)
    case CInt(SF_ERR_UNSUPPORTED_ENCODING): .unsupported(name, reason: "its encoding")
    default: .corrupt(name, reason: reason(of: code, library))
    }
  }

  private static func reason(of code: CInt, _ library: LibSndFile) -> String {
    let text = library.textOfError(code).map { String(cString: $0) } ?? "error \(code)"
    return text.hasSuffix(".") ? String(text.dropLast()) : text
  }

  private static func read(
    _ file: OpaquePointer, _ library: LibSndFile, _ info: SF_INFO, format: SoundFormat,
    name: String, options: SoundOptions
  ) throws(SoundError) -> ChannelMixer {
    let promised = max(Int(clamping: info.frames), 0)
    var mixer = try ChannelMixer(
      rate: Int(info.samplerate), channels: Int(info.channels), promised: promised,
      format: format, name: name, options: options)
    // The header may promise more than the file holds: memory is taken as samples come.
    let blockFrames = 1 << 14
    var block = [Float](repeating: 0, count: blockFrames * mixer.channels)
    while true {
      let count = Int(library.readFrames(file, &block, sf_count_t(blockFrames)))
      guard count > 0 else { break }
      try mixer.add(block[..<(count * mixer.channels)], frames: count)
    }
    let code = library.error(file)
    if mixer.frames == 0, code != 0 { throw failure(of: code, library, name: name) }
    if code != 0 {
      try mixer.note(.damaged(reason(of: code, library)), unit: "samples")
    } else if mixer.frames < promised, format == .flac {
      // The decoder stops at a damaged frame as it does at the end of the file.
      try mixer.note(
        .damaged("\(mixer.frames) of its \(promised) samples can be decoded"), unit: "samples")
    }
    return mixer
  }

  /// Encodes a sound as a 16-bit WAV file.
  static func encode(_ sound: Sound) throws(SoundError) -> [UInt8] {
    guard let library = LibSndFile.loaded else { throw .cannotEncode(reason: missingLibrary) }
    var memory = Memory(source: UnsafeRawBufferPointer(start: nil, count: 0))
    return try withUnsafeMutablePointer(to: &memory) { memory throws(SoundError) in
      var info = SF_INFO()
      info.samplerate = CInt(sound.rate)
      info.channels = 1
      info.format = CInt(SF_FORMAT_WAV | SF_FORMAT_PCM_16)
      var access = Memory.access
      guard let file = library.open(&access, CInt(SFM_WRITE), &info, memory) else {
        let text = library.text(nil).map { String(cString: $0) }
        throw .cannotEncode(reason: text ?? "libsndfile does not say why")
      }
      let samples = sound.samples.map { sample in
        Int16(max(-32768, min(32767, (sample * 32768).rounded())))
      }
      let written = library.writeFrames(file, samples, sf_count_t(samples.count))
      let closed = library.close(file)
      guard written == samples.count, closed == 0 else {
        throw .cannotEncode(reason: "\(written) of \(samples.count) samples were accepted")
      }
      return memory.pointee.target
    }
  }
}

/// A file in memory for libsndfile: one that is read or one that is written.
private struct Memory {
  let source: UnsafeRawBufferPointer
  var target: [UInt8] = []
  var position = 0

  init(source: UnsafeRawBufferPointer) { self.source = source }

  var count: Int { max(source.count, target.count) }

  static var access: SF_VIRTUAL_IO {
    SF_VIRTUAL_IO(
      get_filelen: { user in sf_count_t(Memory.at(user)?.pointee.count ?? 0) },
      seek: { offset, whence, user in
        guard let memory = Memory.at(user) else { return -1 }
        let base: Int
        switch whence {
        case SEEK_SET: base = 0
        case SEEK_CUR: base = memory.pointee.position
        default: base = memory.pointee.count
        }
        let (position, overflow) = base.addingReportingOverflow(Int(offset))
        guard !overflow, position >= 0 else { return -1 }
        memory.pointee.position = position
        return sf_count_t(position)
      },
      read: { target, count, user in
        guard let memory = Memory.at(user), let target, count > 0 else { return 0 }
        let source = memory.pointee.source
        let start = min(memory.pointee.position, source.count)
        let some = min(Int(count), source.count - start)
        if some > 0, let base = source.baseAddress { memcpy(target, base + start, some) }
        memory.pointee.position = start + some
        return sf_count_t(some)
      },
      write: { bytes, count, user in
        guard let memory = Memory.at(user), let bytes, count > 0 else { return 0 }
        let end = memory.pointee.position + Int(count)
        if end > memory.pointee.target.count {
          memory.pointee.target += [UInt8](
            repeating: 0, count: end - memory.pointee.target.count)
        }
        let start = memory.pointee.position
        memory.pointee.target.withUnsafeMutableBytes { target in
          target[start..<end].copyBytes(
            from: UnsafeRawBufferPointer(start: bytes, count: Int(count)))
        }
        memory.pointee.position = end
        return count
      },
      tell: { user in sf_count_t(Memory.at(user)?.pointee.position ?? 0) })
  }

  private static func at(_ user: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<Memory>? {
    user?.assumingMemoryBound(to: Memory.self)
  }
}
