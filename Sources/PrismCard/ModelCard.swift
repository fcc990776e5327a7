/// What a weights file says about its model: architecture, head, labels, and how a picture becomes
/// its input.
///
/// It is one JSON string under the key ``metadataKey`` of the file's metadata.
public struct ModelCard: Sendable, Equatable {
  /// The key of the card in the metadata of a safetensors file.
  public static let metadataKey = "prism"
  /// The number of the format that is read and written.
  public static let format = 1

  /// The name of the model.
  public var name: String
  /// What the model is for.
  public var description: String
  /// Where its weights come from.
  public var source: String
  /// The licence of the weights.
  public var license: String
  /// The network.
  public var architecture: Architecture
  /// What differs between variants and frameworks of one architecture.
  public var config: Config
  /// What follows the convolutional base, in order.
  public var head: [HeadLayer]
  /// What turns logits into probabilities.
  public var output: Output
  /// The name of each output; two for `binary`, the negative first.
  public var labels: [String]
  /// What the network is given.
  public var input: Input
  /// The names of values that explanations look at.
  public var layers: Layers
  /// The nodes of a network that is stated node by node; `nil` for every other architecture.
  public var graph: Graph?

  /// Makes a card; ``validate(file:limits:)`` tells whether it makes sense.
  public init(
    name: String, description: String = "", source: String = "", license: String = "",
    architecture: Architecture, config: Config, head: [HeadLayer], output: Output,
    labels: [String], input: Input, layers: Layers, graph: Graph? = nil
  ) {
    self.name = name
    self.description = description
    self.source = source
    self.license = license
    self.architecture = architecture
    self.config = config
    self.head = head
    self.output = output
    self.labels = labels
    self.input = input
    self.layers = layers
    self.graph = graph
  }

  /// Makes the card of a network that a program records itself.
  ///
  /// - Parameters:
  ///   - name: The name of the model.
  ///   - labels: The name of each output; two for `binary`, the negative first.
  ///   - output: What turns logits into probabilities.
  ///   - input: What the network is given.
  ///   - layer: The named value that the CAM family looks at unless told otherwise.
  public init(
    custom name: String, labels: [String], output: Output = .softmax, input: Input,
    layer: String
  ) {
    self.init(
      name: name, architecture: .custom, config: Config(epsilon: nil, padding: .symmetric),
      head: [], output: output, labels: labels, input: input, layers: Layers(default: layer))
  }

  /// A network of the zoo, or one of a program's own.
  public enum Architecture: String, Sendable, CaseIterable {
    /// MobileNetV2 of any width.
    case mobileNetV2 = "mobilenet_v2"
    /// EfficientNetV2 small.
    case efficientNetV2S = "efficientnet_v2_s"
    /// EfficientNetV2 medium.
    case efficientNetV2M = "efficientnet_v2_m"
    /// EfficientNetV2 large.
    case efficientNetV2L = "efficientnet_v2_l"
    /// EfficientNetV2 B0.
    case efficientNetV2B0 = "efficientnet_v2_b0"
    /// EfficientNetV2 B1.
    case efficientNetV2B1 = "efficientnet_v2_b1"
    /// EfficientNetV2 B2.
    case efficientNetV2B2 = "efficientnet_v2_b2"
    /// EfficientNetV2 B3.
    case efficientNetV2B3 = "efficientnet_v2_b3"
    /// VGG16 without batch normalisation.
    case vgg16
    /// DenseNet121.
    case denseNet121 = "densenet121"
    /// A network whose nodes the card lists.
    case graph
    /// A network that a program records itself; the card tells neither its layers nor its head.
    case custom
  }

  /// How layers with a stride pad their input.
  public enum PaddingConvention: String, Sendable, CaseIterable {
    /// TensorFlow's rule: as much as the output size needs, the odd pixel at the end.
    case same
    /// Torch's rule: the same on both sides.
    case symmetric
  }

  /// What differs between variants and frameworks of one architecture.
  public struct Config: Sendable, Equatable {
    /// The width multiplier; 1 for everything but MobileNetV2.
    public var width: Double
    /// The epsilon of the base's batch normalisation; `nil` for VGG16, which has none.
    public var epsilon: Double?
    /// How layers with a stride pad their input.
    public var padding: PaddingConvention

    /// Makes a configuration.
    public init(width: Double = 1, epsilon: Double?, padding: PaddingConvention) {
      self.width = width
      self.epsilon = epsilon
      self.padding = padding
    }
  }

  /// A function applied to every element, or over the last axis for softmax.
  public enum Activation: String, Sendable, CaseIterable {
    /// The identity.
    case linear
    /// `max(x, 0)`.
    case relu
    /// `min(max(x, 0), 6)`.
    case relu6
    /// `x · sigmoid(x)`.
    case silu
    /// `1 / (1 + exp(-x))`.
    case sigmoid
    /// The hyperbolic tangent.
    case tanh
    /// `exp(x)` divided by its sum.
    case softmax
    /// `min(max(x / 6 + 1/2, 0), 1)`.
    case hardSigmoid = "hard_sigmoid"
    /// `x · min(max(x / 6 + 1/2, 0), 1)`.
    case hardSwish = "hard_swish"
    /// `x · Φ(x)`, with Φ the normal distribution.
    case gelu
    /// `x · Φ(x)` with an approximation of Φ by the hyperbolic tangent.
    case geluTanh = "gelu_tanh"
    /// `x` where it is positive, `exp(x) − 1` elsewhere.
    case elu
    /// `x` where it is positive, a hundredth of it elsewhere.
    case leakyReLU = "leaky_relu"
  }

  /// One step between the convolutional base and the logits.
  public enum HeadLayer: Sendable, Equatable {
    /// The mean over height and width.
    case globalAveragePool
    /// The maximum over height and width.
    case globalMaxPool
    /// Both, one after the other: twice as many features.
    case globalConcatPool(order: ConcatOrder = .maxAverage)
    /// Means over a grid of so many rows and columns.
    case adaptiveAveragePool(height: Int, width: Int)
    /// All elements as one vector, in channels-first order.
    case flatten
    /// Nothing at inference.
    case dropout(rate: Double)
    /// A fully connected layer; `name` is the prefix of its tensors.
    case dense(name: String, units: Int, activation: Activation)
    /// Batch normalisation; `name` is the prefix of its tensors.
    case batchNorm(name: String, epsilon: Double)
    /// Layer normalisation over the channels; `name` is the prefix of its tensors.
    case layerNorm(name: String, epsilon: Double)
    /// A function applied to every element.
    case activation(Activation)
  }

  /// Which comes first where the maximum and the mean over height and width follow each other.
  public enum ConcatOrder: String, Sendable, CaseIterable {
    /// The maximum, as fastai.
    case maxAverage = "max_average"
    /// The mean, as timm.
    case averageMax = "average_max"
  }

  /// What turns logits into probabilities.
  public enum Output: Sendable, Equatable {
    /// One label of several.
    case softmax
    /// Any number of labels, each on its own; a label counts from the threshold on, or from its own
    /// where every label has one.
    case sigmoid(threshold: Double, perLabel: [Double]? = nil)
    /// One logit, whose sigmoid is the probability of label 1 and not of label 0.
    case binary(threshold: Double)

    /// The probability from which labels count that have no threshold of their own, where labels do
    /// not exclude each other.
    public var threshold: Double? {
      switch self {
      case .softmax: nil
      case .sigmoid(let threshold, _), .binary(let threshold): threshold
      }
    }

    /// The probability from which a label counts, where labels do not exclude each other.
    ///
    /// - Parameter index: The label's place among the labels.
    /// - Returns: Its own threshold, or that of all labels.
    public func threshold(ofLabel index: Int) -> Double? {
      guard case .sigmoid(_, let perLabel?) = self, perLabel.indices.contains(index) else {
        return threshold
      }
      return perLabel[index]
    }
  }

  /// What the network is given.
  public enum Input: Sendable, Equatable {
    /// A picture.
    case image(ImageInput)
    /// A sound, whose spectrogram is the picture.
    case audio(AudioInput)

    /// The picture that the network sees, whatever it was made from.
    public var image: ImageInput {
      switch self {
      case .image(let image): image
      case .audio(let audio): audio.image
      }
    }

    /// How a sound becomes the picture, or `nil` for a network that is given pictures.
    public var audio: AudioInput? {
      switch self {
      case .image: nil
      case .audio(let audio): audio
      }
    }
  }

  /// How a picture becomes the input of a network.
  ///
  /// The element of channel `c` is `(p · scale − mean[c]) / std[c]`, where `p` in 0…255 is the
  /// pixel after resizing and in the network's order of channels.
  public struct ImageInput: Sendable, Equatable {
    /// The height in pixels.
    public var height: Int
    /// The width in pixels.
    public var width: Int
    /// How a picture is brought to that size.
    public var resize: Resize
    /// What the shorter side is resized to before the centre is cut out; `nil` where the whole
    /// picture is resized to the network's size, whatever its proportions.
    public var resizeSide: Int?
    /// The network's order of channels.
    public var channels: Channels
    /// The number of channels that the network is given: 3, or 1 of ``Channels/grey``, or 4 of
    /// ``Channels/rgba``.
    public var channelCount: Int
    /// What pixels are multiplied by.
    public var scale: Double
    /// What is subtracted, one number per channel.
    public var mean: [Double]
    /// What is divided by, one number per channel.
    public var std: [Double]

    /// Makes a description of an input.
    public init(
      height: Int, width: Int, resize: Resize, resizeSide: Int? = nil,
      channels: Channels = .rgb, channelCount: Int? = nil, scale: Double, mean: [Double],
      std: [Double]
    ) {
      self.height = height
      self.width = width
      self.resize = resize
      self.resizeSide = resizeSide
      self.channels = channels
      self.channelCount = channelCount ?? channels.usualCount
      self.scale = scale
      self.mean = mean
      self.std = std
    }
  }

  /// How a sound becomes a picture, and the picture the input of a network; or, with ``levels``,
  /// the input itself.
  ///
  /// The sound is mixed to one channel, resampled and cut to ``seconds``. The picture is its mel
  /// spectrogram in decibels below its maximum: from black at −``range`` dB to white (or along a
  /// colour map) at 0 dB, one column a frame and one row a band.
  public struct AudioInput: Sendable, Equatable {
    /// The samples a second that the spectrogram is made from, in Hz.
    public var sampleRate: Int
    /// The length of what the network looks at at once, in seconds.
    public var seconds: Double
    /// The length of the Fourier transform and of its Hann window, in samples; even.
    public var fft: Int
    /// From one frame to the next, in samples.
    public var hop: Int
    /// The number of mel bands.
    public var bands: Int
    /// The lower end of the lowest band, in Hz.
    public var minimum: Double
    /// The upper end of the highest band, in Hz.
    public var maximum: Double
    /// How frequencies are spaced.
    public var melScale: MelScale
    /// The decibels from the darkest to the brightest pixel.
    public var range: Double
    /// The colours of the picture.
    public var colors: Colors
    /// Where low frequencies are.
    public var orientation: Orientation
    /// What is done with the picture.
    public var image: ImageInput
    /// How the numbers of the spectrogram themselves are the network's input; `nil` where it is a
    /// picture.
    public var levels: Levels?

    /// Makes a description of an input.
    public init(
      sampleRate: Int, seconds: Double, fft: Int, hop: Int, bands: Int, minimum: Double = 0,
      maximum: Double, melScale: MelScale = .slaney, range: Double = 80, colors: Colors = .grey,
      orientation: Orientation = .lowAtBottom, image: ImageInput
    ) {
      self.sampleRate = sampleRate
      self.seconds = seconds
      self.fft = fft
      self.hop = hop
      self.bands = bands
      self.minimum = minimum
      self.maximum = maximum
      self.melScale = melScale
      self.range = range
      self.colors = colors
      self.orientation = orientation
      self.image = image
      levels = nil
    }

    /// How frequencies are spaced.
    public enum MelScale: String, Sendable, CaseIterable {
      /// Linear up to 1 kHz and logarithmic above (Slaney's Auditory Toolbox), librosa's default.
      case slaney
      /// `2595 · log10(1 + f / 700)`, as HTK.
      case htk
    }

    /// The colours of a spectrogram.
    public enum Colors: String, Sendable, CaseIterable {
      /// From black to white.
      case grey
      /// From violet over green to yellow.
      case viridis
      /// From black over red to pale yellow.
      case inferno
      /// A smooth rainbow.
      case turbo
      /// The old rainbow.
      case jet
    }

    /// Where low frequencies are in the picture.
    public enum Orientation: String, Sendable, CaseIterable {
      /// The lowest band is the last row.
      case lowAtBottom = "low_at_bottom"
      /// The lowest band is the first row.
      case lowAtTop = "low_at_top"
    }
  }

  /// How a picture is brought to another size.
  public enum Resize: String, Sendable, CaseIterable {
    /// The nearest pixel.
    case nearest
    /// Between the four nearest pixels, half-pixel centres, as Keras and OpenCV.
    case bilinear
    /// A triangle as wide as the reduction, as Pillow.
    case bilinearAntialias = "bilinear_antialias"
    /// A cubic filter as wide as the reduction, as Pillow.
    case bicubic
    /// A windowed sinc of three lobes as wide as the reduction, as Pillow.
    case lanczos
  }

  /// An order of channels.
  public enum Channels: String, Sendable, CaseIterable {
    /// Red, green, blue.
    case rgb
    /// Blue, green, red.
    case bgr
    /// Brightness; a network of three channels sees it three times.
    case grey
    /// Red, green, blue and opacity.
    case rgba

    /// The number of channels where nothing else is said.
    public var usualCount: Int { self == .rgba ? 4 : 3 }
  }

  /// The names of values that explanations look at.
  public struct Layers: Sendable, Equatable {
    /// Where the CAM family looks unless told otherwise.
    public var `default`: String
    /// Other names of values, as those of the framework that made the weights.
    public var aliases: [String: String]

    /// Makes a table of names.
    public init(default: String, aliases: [String: String] = [:]) {
      self.default = `default`
      self.aliases = aliases
    }
  }
}
