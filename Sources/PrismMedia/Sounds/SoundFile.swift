internal import CSndFile

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Sound files through libsndfile, from and to memory.
enum SoundFile {
  /// Decodes a file of any format that libsndfile knows and mixes its channels to one by their
  /// mean.
  static func decode(
    _ bytes: [UInt8], name: String, frameLimit: Int
  ) throws(SoundError) -> Sound {
    try bytes.withUnsafeBufferPointer { source throws(SoundError) in
      var memory = Memory(source: UnsafeRawBufferPointer(source))
      return try withUnsafeMutablePointer(to: &memory) { memory throws(SoundError) in
        var info = SF_INFO()
        var access = Memory.access
        guard let file = sf_open_virtual(&access, CInt(SFM_READ), &info, memory) else {
          throw failure(of: sf_error(nil), name: name)
        }
        defer { sf_close(file) }
        return try read(file, info, name: name, frameLimit: frameLimit)
      }
    }
  }

  private static func failure(of code: CInt, name: String) -> SoundError {
    let text = String(cString: sf_error_number(code))
    let reason = text.hasSuffix(".") ? String(text.dropLast()) : text
    return switch code {
    case CInt(SF_ERR_UNRECOGNISED_FORMAT): .unrecognised(name)
    case CInt(SF_ERR_UNSUPPORTED_ENCODING): .unsupported(name, reason: "its encoding")
    default: .corrupt(name, reason: reason)
    }
  }

  private static func read(
    _ file: OpaquePointer, _ info: SF_INFO, name: String, frameLimit: Int
  ) throws(SoundError) -> Sound {
    let (rate, channels) = (Int(info.samplerate), Int(info.channels))
    guard Sound.rateRange.contains(rate) else {
      throw .unsupported(name, reason: "a sample rate of \(rate) Hz")
    }
    guard (1...256).contains(channels) else {
      throw .unsupported(name, reason: "a sound of \(channels) channels")
    }
    // The header may promise more than the file holds: memory is taken as samples come.
    let blockFrames = 1 << 14
    var block = [Float](repeating: 0, count: blockFrames * channels)
    var samples: [Float] = []
    samples.reserveCapacity(min(max(Int(clamping: info.frames), 0), 1 << 24, frameLimit))
    while true {
      let count = Int(sf_readf_float(file, &block, sf_count_t(blockFrames)))
      guard count > 0 else { break }
      guard samples.count + count <= frameLimit else {
        throw .tooLong(
          name, frames: max(Int(clamping: info.frames), samples.count + count), limit: frameLimit)
      }
      if channels == 1 {
        samples += block[..<count]
      } else {
        for frame in 0..<count {
          var sum: Float = 0
          for channel in 0..<channels { sum += block[frame * channels + channel] }
          samples.append(sum / Float(channels))
        }
      }
    }
    if samples.isEmpty {
      let code = sf_error(file)
      throw code == 0 ? .empty(name) : failure(of: code, name: name)
    }
    guard samples.allSatisfy(\.isFinite) else {
      throw .corrupt(name, reason: "it has samples that are not finite")
    }
    return Sound(exactly: rate, samples: samples, name: name)
  }

  /// Encodes a sound as a 16-bit WAV file.
  static func encode(_ sound: Sound) throws(SoundError) -> [UInt8] {
    var memory = Memory(source: UnsafeRawBufferPointer(start: nil, count: 0))
    return try withUnsafeMutablePointer(to: &memory) { memory throws(SoundError) in
      var info = SF_INFO()
      info.samplerate = CInt(sound.rate)
      info.channels = 1
      info.format = CInt(SF_FORMAT_WAV | SF_FORMAT_PCM_16)
      var access = Memory.access
      guard let file = sf_open_virtual(&access, CInt(SFM_WRITE), &info, memory) else {
        throw .cannotEncode(reason: String(cString: sf_strerror(nil)))
      }
      let samples = sound.samples.map { sample in
        Int16(max(-32768, min(32767, (sample * 32768).rounded())))
      }
      let written = sf_writef_short(file, samples, sf_count_t(samples.count))
      let closed = sf_close(file)
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
