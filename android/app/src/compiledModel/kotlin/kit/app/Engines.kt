package kit.app

import android.content.Context
import kit.detector.engine.EngineProvider
import kit.detector.compiled.CompiledModelEngines

/** The engines of this flavor of the app. */
fun engines(context: Context): EngineProvider = CompiledModelEngines(context)
