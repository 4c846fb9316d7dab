package kit.app

import android.content.Context
import kit.detector.engine.EngineProvider
import kit.detector.litert.InterpreterEngines

/** The engines of this flavor of the app. */
fun engines(context: Context): EngineProvider = InterpreterEngines(context)
