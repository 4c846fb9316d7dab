import SwiftUI

@main
struct DetectorApp: App {
    @State private var session = DetectionSession()
    @Environment(\.scenePhase) private var phase

    var body: some Scene {
        WindowGroup {
            ContentView(session: session)
        }
        .onChange(of: phase, initial: true) {
            // In the background a camera is taken away anyway; giving it back keeps its light off.
            if phase == .active {
                session.resume()
            } else if phase == .background {
                session.pause()
            }
        }
    }
}
