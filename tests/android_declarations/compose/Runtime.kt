@file:Suppress("UNUSED_PARAMETER", "unused", "FunctionName", "UNUSED_TYPEALIAS")

package androidx.compose.runtime

import kotlin.reflect.KProperty

@Target(AnnotationTarget.FUNCTION, AnnotationTarget.TYPE, AnnotationTarget.PROPERTY_GETTER)
annotation class Composable

interface State<out T> {
    val value: T
}

interface MutableState<T> : State<T> {
    override var value: T
}

operator fun <T> State<T>.getValue(owner: Any?, property: KProperty<*>): T = value
operator fun <T> MutableState<T>.setValue(owner: Any?, property: KProperty<*>, value: T): Unit = TODO()

fun <T> mutableStateOf(value: T): MutableState<T> = TODO()

@Composable
fun <T> remember(calculation: () -> T): T = TODO()

@Composable
fun <T> remember(key: Any?, calculation: () -> T): T = TODO()

@Composable
fun <T> remember(first: Any?, second: Any?, third: Any?, calculation: () -> T): T = TODO()

@Composable
fun LaunchedEffect(first: Any?, second: Any?, third: Any?, block: suspend () -> Unit): Unit = TODO()

@Composable
fun LaunchedEffect(first: Any?, second: Any?, block: suspend () -> Unit): Unit = TODO()

interface DisposableEffectResult

class DisposableEffectScope {
    fun onDispose(onDispose: () -> Unit): DisposableEffectResult = TODO()
}

@Composable
fun DisposableEffect(key: Any?, effect: DisposableEffectScope.() -> DisposableEffectResult): Unit = TODO()

class ProvidableCompositionLocal<T> {
    val current: T @Composable get() = TODO()
}
