import CoreTransferable
import PhotosUI
import SwiftUI
import UniformTypeIdentifiers

/// Opens an image or video of the photo library, or goes back to the camera. The library asks for no permission.
struct MediaPicker: View {
    let session: DetectionSession
    @State private var item: PhotosPickerItem?

    var body: some View {
        HStack {
            if session.media != nil {
                Button("Camera", systemImage: "camera") { session.show(nil) }
            }
            PhotosPicker(selection: $item, matching: .any(of: [.images, .videos])) {
                Label("Open an image or video", systemImage: "photo")
            }
        }
        .labelStyle(.iconOnly)
        .onChange(of: item) {
            if let item {
                open(item)
            }
        }
    }

    private func open(_ item: PhotosPickerItem) {
        let isVideo = item.supportedContentTypes.contains { $0.conforms(to: .movie) }
        Task {
            do {
                if isVideo {
                    let video = try await item.loadTransferable(type: PickedVideo.self)
                    session.show(video.map { .video($0.url) })
                } else {
                    let image = try await item.loadTransferable(type: PickedImage.self)
                    session.show(image.map { .image($0.url) })
                }
            } catch {
                session.report(error)
            }
        }
    }
}

/// A copy of a picked video: the original is gone after the import.
struct PickedVideo: Transferable {
    let url: URL

    static var transferRepresentation: some TransferRepresentation {
        FileRepresentation(importedContentType: .movie) { PickedVideo(url: try temporaryCopy($0.file)) }
    }
}

/// A copy of a picked image.
struct PickedImage: Transferable {
    let url: URL

    static var transferRepresentation: some TransferRepresentation {
        FileRepresentation(importedContentType: .image) { PickedImage(url: try temporaryCopy($0.file)) }
    }
}

/// Copies a file to the folder of picked ones, which holds one at a time.
private func temporaryCopy(_ file: URL) throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("picked")
    try? FileManager.default.removeItem(at: folder)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let copy = folder.appendingPathComponent(file.lastPathComponent)
    try FileManager.default.copyItem(at: file, to: copy)
    return copy
}
