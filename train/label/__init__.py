"""`python -m train.label`: boxes that a detector proposes, for people to correct in a label tool.

`images` gives the images of a folder, a data set or a video, and `naming` names for them; `proposals` are what a detector
finds in them; `differences` compares them with boxes that are there already; `exports` write what label tools open.
`correction` serves `page/`, on which a person corrects boxes: `folder` lists the images, `voc_file` reads and writes their XML.
Training belongs to `train.training`.
"""
