/// The TFLite Metadata of a model: descriptions of its inputs and outputs.
///
/// Field numbers are those of metadata_schema.fbs of TFLite Support:
/// https://github.com/tensorflow/tflite-support/blob/master/tensorflow_lite_support/metadata/metadata_schema.fbs
struct Metadata {
    /// In the order of the main graph.
    let inputs: [TensorMetadata]
    let outputs: [TensorMetadata]
    let files: [AssociatedFile]

    static let entry = "TFLITE_METADATA"
    private static let identifier = "M001"

    /// The metadata in `model`, or nil if there is none. Throws `damaged`.
    static func of(_ model: Model) throws(DetectorError) -> Metadata? {
        guard let data = model.metadata[entry] else { return nil }
        return try Metadata(Bytes(all: Array(data), path: "\(model.path): its metadata"))
    }

    /// Throws `damaged` if `bytes` are not valid metadata.
    init(_ bytes: Bytes) throws(DetectorError) {
        let root = try FlatBuffer(bytes, identifier: Metadata.identifier).root()
        var files = try Metadata.files(root, 6)
        var inputs: [TensorMetadata] = []
        var outputs: [TensorMetadata] = []
        if let main = try root.tables(3).first {
            for table in try main.tables(2) {
                inputs.append(try TensorMetadata(table))
            }
            for table in try main.tables(3) {
                outputs.append(try TensorMetadata(table))
            }
            files += try Metadata.files(main, 4)
        }
        self.inputs = inputs
        self.outputs = outputs
        self.files = files
    }

    /// All associated files, those of outputs first, since the label file usually belongs to an output.
    var allFiles: [AssociatedFile] {
        outputs.flatMap(\.files) + files + inputs.flatMap(\.files)
    }

    fileprivate static func files(_ table: Table, _ field: Int) throws(DetectorError) -> [AssociatedFile] {
        var files: [AssociatedFile] = []
        for entry in try table.tables(field) {
            let type = try entry.number(2, Int8.self)
            files.append(AssociatedFile(name: try entry.text(0), type: Int(type), locale: try entry.text(3)))
        }
        return files
    }
}

/// A file packed into the model, such as a label file. `locale` is empty for the default locale.
struct AssociatedFile {
    let name: String
    let type: Int
    let locale: String

    /// Whether the type is TENSOR_AXIS_LABELS or TENSOR_VALUE_LABELS of enum AssociatedFileType.
    var holdsLabels: Bool { type == 2 || type == 3 }
}

/// The layout of a box in the location output: `index` holds the positions of left, top, right and bottom.
struct BoxLayout {
    let index: [Int]
    let type: Int
    let coordinates: Int

    // enum BoundingBoxType; enum CoordinateType
    static let unknown = 0, boundaries = 1
    static let ratio = 0
}

/// The description of one input or output. Images are normalized as (x - `mean`) / `std`; both are empty if not specified.
struct TensorMetadata {
    let name: String
    let mean: [Float]
    let std: [Float]
    let files: [AssociatedFile]
    let boxes: BoxLayout?
    /// Nil if not specified.
    let scoreThreshold: Float?

    // union ContentProperties, union ProcessUnitOptions
    private static let boxContent = 3
    private static let normalization = 1
    private static let scoreThresholding = 3

    init(_ table: Table) throws(DetectorError) {
        name = try table.text(0)
        files = try Metadata.files(table, 6)
        var mean: [Float] = []
        var std: [Float] = []
        var threshold: Float?
        for unit in try table.tables(4) {
            guard let options = try unit.table(1) else { continue }
            switch Int(try unit.number(0, UInt8.self)) {
            case TensorMetadata.normalization:
                mean = try options.floats(0)
                std = try options.floats(1)
            case TensorMetadata.scoreThresholding:
                threshold = Float(bitPattern: try options.number(0, UInt32.self))
            default:
                break
            }
        }
        self.mean = mean
        self.std = std
        scoreThreshold = threshold
        boxes = try TensorMetadata.boxes(table.table(3))
    }

    private static func boxes(_ content: Table?) throws(DetectorError) -> BoxLayout? {
        guard let content, try content.number(0, UInt8.self) == boxContent, let layout = try content.table(1) else {
            return nil
        }
        return BoxLayout(
            index: try layout.numbers(0, UInt32.self).map(Int.init),
            type: Int(try layout.number(1, Int8.self)),
            coordinates: Int(try layout.number(2, Int8.self))
        )
    }
}
