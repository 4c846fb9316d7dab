plugins {
    alias(libs.plugins.android.library)
    alias(libs.plugins.kotlin.android)
}

android {
    namespace = "kit.detector.compiled"
    defaultConfig {
        minSdk = libs.versions.app.min.sdk.get().toInt()
    }
}

kotlin {
    explicitApi()
}

dependencies {
    api(project(":detector"))
    implementation(libs.litert2)
}
