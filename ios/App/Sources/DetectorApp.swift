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
            // Nobody touches the screen while the app watches.
            UIApplication.shared.isIdleTimerDisabled = phase == .active
            // iOS interrupts the camera in the background anyway; stopping it turns its indicator off.
            if phase == .active {
                session.resume()
            } else if phase == .background {
                session.pause()
            }
        }
    }
}
