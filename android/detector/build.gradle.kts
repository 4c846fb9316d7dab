plugins {
    alias(libs.plugins.android.library)
    alias(libs.plugins.kotlin.android)
}

android {
    namespace = "kit.detector"
    defaultConfig {
        minSdk = libs.versions.min.sdk.get().toInt()
    }
}

kotlin {
    explicitApi()
}

dependencies {
    // Suspending functions and flows are part of the API.
    api(libs.coroutines)
    // For ImageProxy and ImageAnalysis only, in apps that use CameraX.
    compileOnly(libs.camera.core)
}
