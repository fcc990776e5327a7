internal import CMPG123

/// Reading MP3 through libmpg123, told to be quiet and to go no further than the first damage.
enum MP3 {
  /// The samples of a file.
  static func decode(
    _ bytes: [UInt8], name: String, options: SoundOptions
  ) throws(SoundError) -> ChannelMixer {
    // Safe to call more than once; needed by versions before 1.27.
    mpg123_init()
    var status: CInt = 0
    guard let decoder = mpg123_new(nil, &status) else {
      throw .unreadable(name, reason: "no memory for the decoder")
    }
    defer { mpg123_delete(decoder) }
    let flags = MPG123_QUIET.rawValue | MPG123_FORCE_FLOAT.rawValue
    mpg123_param2(decoder, CInt(MPG123_ADD_FLAGS.rawValue), Int(flags), 0)
    mpg123_param2(decoder, CInt(MPG123_RESYNC_LIMIT.rawValue), options.allowsDamage ? -1 : 0, 0)
    guard mpg123_open_feed(decoder) == CInt(MPG123_OK.rawValue) else {
      throw .unreadable(name, reason: "the decoder does not start")
    }
    let audio = SoundIntegrity.mpegAudio(of: bytes)
    let fed = bytes.withUnsafeBufferPointer { source in
      mpg123_feed(decoder, source.baseAddress.map { $0 + audio.lowerBound }, audio.count)
    }
    guard fed == CInt(MPG123_OK.rawValue) else {
      throw .unreadable(name, reason: "no memory for the decoder")
    }
    return try read(decoder, name: name, options: options)
  }

  private static func read(
    _ decoder: OpaquePointer, name: String, options: SoundOptions
  ) throws(SoundError) -> ChannelMixer {
    var mixer: ChannelMixer?
    var block = [Float](repeating: 0, count: 1 << 14)
    while true {
      var byteCount = 0
      let size = block.count * MemoryLayout<Float>.stride
      let status = block.withUnsafeMutableBytes { target in
        mpg123_read(decoder, target.baseAddress, size, &byteCount)
      }
      if let channels = mixer?.channels, byteCount > 0 {
        try mixer?.add(
          block[..<(byteCount / MemoryLayout<Float>.stride)],
          frames: byteCount
            / MemoryLayout<Float>.stride / channels)
      }
      switch status {
      case CInt(MPG123_OK.rawValue): continue
      case CInt(MPG123_NEW_FORMAT.rawValue):
        if var begun = mixer {
          guard options.allowsDamage else {
            throw .unsupported(name, reason: "an MP3 whose rate or channels change")
          }
          try begun.note(.damaged("its rate or channels change"), unit: "samples")
          return begun
        }
        mixer = try begun(decoder, name: name, options: options)
      case CInt(MPG123_NEED_MORE.rawValue), CInt(MPG123_DONE.rawValue):
        guard var mixer else { throw .corrupt(name, reason: "it has no frame of sound") }
        let promised = Int(mpg123_length(decoder))
        // Encoders round the length of the tag to frames.
        if promised > mixer.frames + 2 * 1152 {
          try mixer.note(.cutOff(has: mixer.frames, of: promised), unit: "samples")
        }
        return mixer
      default:
        guard var mixer else { throw .corrupt(name, reason: "it has no frame of sound") }
        try mixer.note(.damaged("a frame cannot be decoded"), unit: "samples")
        return mixer
      }
    }
  }

  private static func begun(
    _ decoder: OpaquePointer, name: String, options: SoundOptions
  ) throws(SoundError) -> ChannelMixer {
    var (rate, channels, encoding) = (0, CInt(0), CInt(0))
    mpg123_getformat(decoder, &rate, &channels, &encoding)
    guard encoding == CInt(MPG123_ENC_FLOAT_32.rawValue) else {
      throw .unsupported(name, reason: "the decoder's sample format")
    }
    return try ChannelMixer(
      rate: rate, channels: Int(channels), promised: Int(mpg123_length(decoder)), format: .mp3,
      name: name, options: options)
  }
}
