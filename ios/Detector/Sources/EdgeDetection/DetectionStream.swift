extension Detector {
    /// The results of a sequence of frames, such as those of a camera or a video.
    ///
    ///     for try await result in detector.results(of: frames) { show(result) }
    ///
    /// In `RunningMode.liveStream`, only the newest frame and the newest result wait; older ones are dropped. In the
    /// other modes there is a result for each frame. The work ends when the loop over the results does.
    ///
    /// - Parameter onError: Is told of each frame that fails, and the results of later ones follow. Without it the results
    ///   end with the first error. An error of `frames` itself always ends them.
    public nonisolated func results<Frames: AsyncSequence & Sendable>(
        of frames: Frames, onError: (@Sendable (DetectorError) -> Void)? = nil
    ) -> AsyncThrowingStream<DetectionResult, any Error> where Frames.Element == Frame {
        let isLive = options.runningMode == .liveStream
        return AsyncThrowingStream(bufferingPolicy: isLive ? .bufferingNewest(1) : .unbounded) { continuation in
            let task = Task {
                do {
                    await startSequence()
                    if isLive {
                        try await detectNewest(of: frames, onError, continuation)
                    } else {
                        for try await frame in frames {
                            try await detect(frame, onError, continuation)
                        }
                    }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private nonisolated func detectNewest<Frames: AsyncSequence & Sendable>(
        of frames: Frames, _ onError: (@Sendable (DetectorError) -> Void)?,
        _ results: AsyncThrowingStream<DetectionResult, any Error>.Continuation
    ) async throws where Frames.Element == Frame {
        let (newest, feed) = AsyncStream.makeStream(of: Frame.self, bufferingPolicy: .bufferingNewest(1))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { feed.finish() }
                for try await frame in frames {
                    feed.yield(frame)
                }
            }
            for await frame in newest {
                try await detect(frame, onError, results)
            }
            try await group.waitForAll()
        }
    }

    private nonisolated func detect(
        _ frame: Frame, _ onError: (@Sendable (DetectorError) -> Void)?,
        _ results: AsyncThrowingStream<DetectionResult, any Error>.Continuation
    ) async throws {
        try Task.checkCancellation()
        do throws(DetectorError) {
            results.yield(try await detect(frame))
        } catch {
            guard let onError else { throw error }
            onError(error)
        }
    }
}
