import com.android.build.api.dsl.ApplicationExtension
import com.android.build.api.dsl.LibraryExtension
import org.jetbrains.kotlin.gradle.dsl.JvmTarget
import org.jetbrains.kotlin.gradle.dsl.KotlinAndroidProjectExtension

plugins {
    alias(libs.plugins.android.application) apply false
    alias(libs.plugins.android.library) apply false
    alias(libs.plugins.kotlin.android) apply false
    alias(libs.plugins.kotlin.compose) apply false
}

// Read here: within `subprojects`, `libs` would be looked up in a module that has none yet.
val sdk = libs.versions.compile.sdk.get().toInt()
val libraryVersion = libs.versions.library.get()

// What the modules have in common; each says only what is its own.
subprojects {
    val module = this
    plugins.withId("org.jetbrains.kotlin.android") {
        extensions.configure<KotlinAndroidProjectExtension> {
            compilerOptions {
                jvmTarget = JvmTarget.JVM_17
                // Only with -Pstrict: a later version of a library may bring warnings, which should not stop an app's build.
                allWarningsAsErrors = providers.gradleProperty("strict").isPresent
            }
        }
    }
    plugins.withId("com.android.application") {
        extensions.configure<ApplicationExtension> {
            compileSdk = sdk
            // No toolchain: Gradle's own JDK compiles, that of Android Studio too.
            compileOptions {
                sourceCompatibility = JavaVersion.VERSION_17
                targetCompatibility = JavaVersion.VERSION_17
            }
        }
    }
    plugins.withId("com.android.library") {
        apply(plugin = "maven-publish")
        extensions.configure<LibraryExtension> {
            compileSdk = sdk
            compileOptions {
                sourceCompatibility = JavaVersion.VERSION_17
                targetCompatibility = JavaVersion.VERSION_17
            }
            publishing {
                singleVariant("release") {
                    withSourcesJar()
                }
            }
        }
        extensions.configure<PublishingExtension> {
            publications {
                register<MavenPublication>("release") {
                    groupId = "kit.detector"
                    artifactId = if (module.name == "detector") "detector" else "detector-${module.name}"
                    version = libraryVersion
                    module.afterEvaluate { from(module.components["release"]) }
                }
            }
        }
    }
}
