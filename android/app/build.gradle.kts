plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.android)
    alias(libs.plugins.kotlin.compose)
}

android {
    namespace = "kit.app"
    defaultConfig {
        applicationId = "kit.app"
        minSdk = libs.versions.app.min.sdk.get().toInt()
        targetSdk = libs.versions.target.sdk.get().toInt()
        versionCode = 2
        versionName = libs.versions.library.get()
    }
    // Which LiteRT runs models. The two cannot be in one app; each flavor has an Engines.kt of its own.
    flavorDimensions += "litert"
    productFlavors {
        create("interpreter") {
            dimension = "litert"
            isDefault = true
        }
        create("compiledModel") {
            dimension = "litert"
            applicationIdSuffix = ".compiled"
        }
    }
    buildFeatures {
        compose = true
    }
    androidResources {
        // Compressed assets cannot be memory-mapped.
        noCompress += "tflite"
    }
}

dependencies {
    "interpreterImplementation"(project(":litert"))
    "compiledModelImplementation"(project(":compiled"))
    implementation(libs.camera.core)
    implementation(libs.camera.camera2)
    implementation(libs.camera.lifecycle)
    implementation(libs.camera.view)
    implementation(libs.activity.compose)
    implementation(libs.lifecycle.runtime.compose)
    implementation(libs.lifecycle.viewmodel.compose)
    implementation(platform(libs.compose.bom))
    implementation(libs.compose.material3)
}
