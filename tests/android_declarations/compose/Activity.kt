@file:Suppress("UNUSED_PARAMETER", "unused", "FunctionName", "UNUSED_TYPEALIAS")

package androidx.activity

import android.app.Activity
import androidx.lifecycle.LifecycleOwner

open class ComponentActivity : Activity(), LifecycleOwner

fun ComponentActivity.enableEdgeToEdge(): Unit = TODO()
