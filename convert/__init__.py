"""Converts checkpoints to .tflite detectors that keep their accuracy and work in every consumer.

python -m convert --int8 --fp16              the newest run under runs/
python -m convert.evaluate FILE DATA         COCO AP of a file, a run or a checkpoint
python -m convert.benchmark RUN              size, AP and speed of each file of a run
python -m convert.quantization_report RUN    where int8 loses accuracy, layer by layer
python -m convert.inspect FILE               what a file holds, and in which consumers it works
python -m convert.edgetpu FILE               an int8 file compiled for the Edge TPU

The rooms follow the way of a file: `quantize` turns the float graph into an int8 one, `file` writes the
.tflite, `contract` says what every file must fulfill, `evaluation` measures it, and `export` does all of
that for an export folder. `inspect` and `edgetpu` work on files that exist.
"""
