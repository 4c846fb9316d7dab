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

operator fun <T> MutableState<T>.setValue(owner: Any?, property: KProperty<*>, value: T) {
    this.value = value
}

fun <T> mutableStateOf(value: T): MutableState<T> = TODO("$value")

@Composable
fun <T> remember(calculation: () -> T): T = calculation()

@Composable
fun <T> remember(key: Any?, calculation: () -> T): T = calculation().also { println(key) }

@Composable
fun LaunchedEffect(key1: Any?, key2: Any?, key3: Any?, block: suspend () -> Unit): Unit = TODO("$key1 $key2 $key3 $block")
