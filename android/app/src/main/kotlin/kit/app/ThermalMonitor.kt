package kit.app

import android.content.Context
import android.os.Build
import android.os.PowerManager
import java.util.concurrent.Executor
import kit.app.logic.Heat

/** Tells [onChange] on [executor] how hot the phone is, at once and whenever that changes; Android 9 and before do not say. */
class ThermalMonitor(context: Context, executor: Executor, onChange: (Heat) -> Unit) : AutoCloseable {
    private val stop: () -> Unit

    init {
        val power = context.getSystemService(PowerManager::class.java)
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q) {
            val listener = PowerManager.OnThermalStatusChangedListener { status -> onChange(Heat.of(status)) }
            power.addThermalStatusListener(executor, listener)
            stop = { power.removeThermalStatusListener(listener) }
        } else {
            stop = {}
        }
    }

    override fun close() = stop()
}
