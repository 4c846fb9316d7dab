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
            // iOS interrupts the camera in the background anyway; stopping it turns its indicator off.
            if phase == .active {
                session.resume()
            } else if phase == .background {
                session.pause()
            }
        }
    }
}
