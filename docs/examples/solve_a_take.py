from facesolve import Settings, evaluate, read_take, solve

solution = solve("my_take", device="auto", settings=Settings(quality="draft", smoothness=2.0), progress="bar")
take = read_take("my_take")
print(take, solution, sep="\n")
jaw = solution.controls[:, solution.control_names.index("jaw")]  # (F,) a curve
vertices = solution.vertices(take.rig)  # (F, V, 3) world space, centimeters
print(f"jaw up to {jaw.max():.2f}, vertices of {len(vertices)} frames")
solution.save("python_solution", overwrite=True)
print(evaluate(solution, take, "truth.npz"))  # where the truth is known
