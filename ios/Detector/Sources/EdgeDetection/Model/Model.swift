import Foundation

/// The parts of a .tflite file that a detector needs.
///
/// Field numbers are those of tensorflow/compiler/mlir/lite/schema/schema.fbs (version 3).
struct Model {
    let bytes: Bytes
    let tensors: [ModelTensor]
    /// Indices into `tensors`, in the order of the engine.
    let inputs: [Int]
    let outputs: [Int]
    let operators: [ModelOperator]
    /// For each signature of the main graph, the names of outputs by tensor index.
    let signatures: [[Int: String]]
    let metadata: [String: ArraySlice<UInt8>]

    var path: String { bytes.path }

    static let identifier = "TFL3"

    /// Reads the file at `path`. Throws `unreadable`, `notTFLite` or `damaged`.
    static func read(_ path: String) throws(DetectorError) -> Model {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
        } catch {
            let exists = FileManager.default.fileExists(atPath: path)
            throw .unreadable(path: path, reason: exists ? error.localizedDescription : "there is no such file")
        }
        return try Model(Bytes(all: [UInt8](data), path: path))
    }

    /// Throws `notTFLite` or `damaged`.
    init(_ bytes: Bytes) throws(DetectorError) {
        guard bytes.all.count >= 8, bytes.all[4..<8].elementsEqual(Model.identifier.utf8) else {
            throw .notTFLite(path: bytes.path)
        }
        let flat = try FlatBuffer(bytes, identifier: Model.identifier)
        let root = try flat.root()
        let buffers = try root.tables(4)
        let codes = try root.tables(1)
        let graphs = try root.tables(2)
        guard let main = graphs.first else { throw flat.bytes.damaged("it has no graph") }

        var tensors: [ModelTensor] = []
        for table in try main.tables(0) {
            tensors.append(try ModelTensor(table, flat))
        }
        var operators: [ModelOperator] = []
        for table in try main.tables(3) {
            operators.append(try ModelOperator(table, codes, flat, tensors: tensors.count))
        }
        var signatures: [[Int: String]] = []
        for table in try root.tables(7) where try table.number(4, UInt32.self) == 0 {
            var names: [Int: String] = [:]
            for output in try table.tables(1) {
                names[Int(try output.number(1, UInt32.self))] = try output.text(0)
            }
            signatures.append(names)
        }
        var metadata: [String: ArraySlice<UInt8>] = [:]
        for entry in try root.tables(6) {
            let index = Int(try entry.number(1, UInt32.self))
            guard index < buffers.count else { throw flat.bytes.damaged("it refers to buffer \(index) of \(buffers.count)") }
            metadata[try entry.text(0)] = try Model.content(buffers[index], flat)
        }
        self.bytes = bytes
        self.tensors = tensors
        self.operators = operators
        self.signatures = signatures
        self.metadata = metadata
        inputs = try Model.indices(main, 1, flat, tensors: tensors.count, minimum: 0)
        outputs = try Model.indices(main, 2, flat, tensors: tensors.count, minimum: 0)
    }

    private static func content(_ buffer: Table, _ flat: FlatBuffer) throws(DetectorError) -> ArraySlice<UInt8> {
        // Files over 2 GB store their data after the FlatBuffer; offsets 0 and 1 mean that this one does not.
        let offset = try buffer.number(1, UInt64.self)
        guard offset > 1 else { return try buffer.data(0) }
        let size = try buffer.number(2, UInt64.self)
        let range = try flat.bytes.span(Int(clamping: offset), Int(clamping: size))
        try flat.spend(range.count)
        return flat.bytes.all[range]
    }

    /// A vector of tensor indices; `minimum` is -1 if an optional input may be omitted.
    static func indices(
        _ table: Table, _ field: Int, _ flat: FlatBuffer, tensors: Int, minimum: Int
    ) throws(DetectorError) -> [Int] {
        let indices = try table.numbers(field, Int32.self).map(Int.init)
        for index in indices where index < minimum || index >= tensors {
            throw flat.bytes.damaged("it refers to tensor \(index) of \(tensors)")
        }
        return indices
    }
}

/// A tensor of the graph. `signature` is `shape` with -1 for each dynamic dimension, or empty if there is none.
struct ModelTensor: CustomStringConvertible {
    let name: String
    let shape: [Int]
    let signature: [Int]
    let type: String
    /// Of a tensor that is quantized as a whole; 0 if it is not.
    let scale: Float
    let zeroPoint: Int

    init(_ table: Table, _ flat: FlatBuffer) throws(DetectorError) {
        shape = try table.numbers(0, Int32.self).map(Int.init)
        signature = try table.numbers(7, Int32.self).map(Int.init)
        if let side = shape.first(where: { $0 < 0 }) {
            throw flat.bytes.damaged("a tensor's shape has a dimension of \(side)")
        }
        let kind = Int(try table.number(1, Int8.self))
        guard ModelTensor.types.indices.contains(kind) else { throw flat.bytes.damaged("a tensor's type is \(kind)") }
        type = ModelTensor.types[kind]
        name = try table.text(3)
        let quantization = try table.table(4)
        let scales = try quantization?.floats(2) ?? []
        scale = scales.count == 1 ? scales[0] : 0
        zeroPoint = scales.count == 1 ? try quantization?.numbers(3, Int64.self).first.map { Int(clamping: $0) } ?? 0 : 0
    }

    /// For example `location [1, 25, 4] float32`.
    var description: String { "\(name) \(signature.isEmpty ? shape : signature) \(type)" }

    // enum TensorType of the schema, in its order.
    private static let types = [
        "float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64", "int8", "float64",
        "complex128", "uint64", "resource", "variant", "uint32", "uint16", "int4", "bfloat16", "int2", "uint4",
        "float8_e4m3fn", "float8_e5m2",
    ]
}

/// An operator of the graph: a built-in one by its code, or a custom one by its name.
struct ModelOperator {
    let code: Int
    let customName: String
    let inputs: [Int]
    let outputs: [Int]

    init(_ table: Table, _ codes: [Table], _ flat: FlatBuffer, tensors: Int) throws(DetectorError) {
        let index = Int(try table.number(0, UInt32.self))
        guard index < codes.count else { throw flat.bytes.damaged("it refers to operator code \(index) of \(codes.count)") }
        // Codes above 127 have a field of their own; the greater of the two applies.
        code = max(Int(try codes[index].number(0, Int8.self)), Int(try codes[index].number(3, Int32.self)))
        customName = try codes[index].text(1)
        inputs = try Model.indices(table, 1, flat, tensors: tensors, minimum: -1)
        outputs = try Model.indices(table, 2, flat, tensors: tensors, minimum: 0)
    }
}
