plugins {
    alias(libs.plugins.android.library)
    alias(libs.plugins.kotlin.android)
}

android {
    namespace = "kit.detector.litert"
    defaultConfig {
        minSdk = libs.versions.min.sdk.get().toInt()
    }
}

kotlin {
    explicitApi()
}

dependencies {
    api(project(":detector"))
    implementation(libs.litert)
    implementation(libs.litert.api)
    implementation(libs.litert.gpu)
    implementation(libs.litert.gpu.api)
}
