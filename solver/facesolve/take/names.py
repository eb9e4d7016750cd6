"""Names of the files in the folders of takes and solutions. Knows nothing of what they hold."""

TAKE, TAKE_ARRAYS = "take.json", "take.npz"

SOLUTION, SOLUTION_ARRAYS = "solution.json", "solution.npz"
CORRECTIVES, CORRECTIVES_ARRAYS = "correctives.json", "correctives.npz"
ACTOR = "actor.npz"  # how the neutral differs from the face that was filmed
UDIM = "<UDIM>"  # stands for the number of a UV tile in a texture's name
TEXTURE = "texture.{}.png".format(UDIM)  # what Maya's file node takes with its UV tiling mode set to UDIM (Mari)
REPORT = "report.html"
LOG = "solve.log"
LIVE_PICTURE = "live.jpg"  # the last picture of a solve at work, where one was asked for
STATE = "state.npz"  # all that a solve knew at its end, for edits that are answered at once; kept where asked for
CHECKPOINT = "checkpoint.npz"  # there while a solve can be resumed
CANCEL = "cancel"  # asks the task that writes into this folder to stop, as Ctrl-C does
LOCK = "writing.lock"  # locked by the task that writes into this folder, and says which that is
REVIEW = "review.json"  # what a person has decided about the solution
INDEX = "index.html"  # of a folder of solutions
WORST_PICTURE = "worst.jpg"  # the worst frame, for the index
