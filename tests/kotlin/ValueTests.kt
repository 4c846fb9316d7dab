package kit.detector

fun valueTests() = listOf(
    Test("label files in the usual formats are parsed") {
        same(Labels.parse("cat\ndog\n\n").names, listOf("cat", "dog"))
        same(Labels.parse("\uFEFFcat\r\ndog").names, listOf("cat", "dog"))
        same(Labels.parse("???\ncat").names, listOf("cat"))
        same(Labels.parse("0  person\n2: car").names, listOf("person", "class 1", "car"))
        same(Labels.parse("1 euro\n2 euro").names, listOf("1 euro", "2 euro"))
        same(Labels.parse("0 a\n99999999999 b").names, listOf("0 a", "99999999999 b"))
        same(Labels.parse("a")[7], "class 7")
        fails<DetectorError.BadLabels> { Labels.parse(" \n\n") }
    },
    Test("boxes are mapped to the view, also mirrored") {
        val box = Box(10.0, 20.0, 30.0, 40.0)
        same(Viewport(100, 100, 200.0, 100.0).toView(box), Box(20.0, -10.0, 60.0, 30.0))
        same(Viewport(100, 100, 100.0, 100.0, isMirrored = true).toView(box), Box(70.0, 20.0, 90.0, 40.0))
        same(Viewport(100, 100, 200.0, 100.0).toImage(20.0, -10.0), 10.0 to 20.0)
        same(Viewport(100, 100, 100.0, 100.0, isMirrored = true).toImage(70.0, 20.0), 30.0 to 20.0)
        same(Box(5.0, 5.0, 1.0, 9.0).area, 0.0)
        check((0..90).all { classHue(it) in 0.0..1.0 }) { "a hue is out of range" }
    },
)
