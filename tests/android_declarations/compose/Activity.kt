package androidx.activity

fun ComponentActivity.enableEdgeToEdge(): Unit = TODO()
