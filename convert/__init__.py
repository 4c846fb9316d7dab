"""From a checkpoint to .tflite files that keep their accuracy and work in every consumer.

python -m convert --int8 --fp16          the newest run under runs/
python -m convert.evaluate FILE DATA     COCO AP of a file, a run or a checkpoint
python -m convert.inspect FILE           what a file holds, and where it works
"""
