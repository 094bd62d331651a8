# SPDX-License-Identifier: Apache-2.0
"""sources_test.py SOURCE_DIR BUILD_DIR [LEFT_OUT...]: every source file is compiled somewhere in this build, so that no test
is forgotten in a list. LEFT_OUT: beginnings of paths that this configuration does not build."""
import json
import pathlib
import sys

FOLDERS = ("audit", "bench", "crypto", "fuzz", "selftest", "tests", "tools")


def main(source_dir, build_dir, left_out):
    root = pathlib.Path(source_dir).resolve()
    commands = json.loads((pathlib.Path(build_dir) / "compile_commands.json").read_text())
    compiled = {pathlib.Path(c["directory"], c["file"]).resolve() for c in commands}
    there = [p for folder in FOLDERS for suffix in ("c", "cpp") for p in sorted((root / folder).rglob(f"*.{suffix}"))]
    names = [str(p.relative_to(root)) for p in there if p not in compiled]
    forgotten = [name for name in names if not name.startswith(tuple(left_out))]
    if not there or forgotten:
        print(f"of {len(there)} source files these are compiled by nothing; name them in a CMakeLists.txt:", *forgotten, sep="\n  ")
        return 1
    print(f"{len(there)} source files, all compiled but {len(names)} that this configuration leaves out")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], [a for a in sys.argv[3:] if a]))
