# make lock: one complete, hashed file for each group of pyproject.toml, without index addresses.
set -eu
[ -x "$ENV/lock/bin/uv" ] || { "$PYTHON" -m venv "$ENV/lock"; "$ENV/lock/bin/pip" install --quiet uv; }
compile() { # output group [options]
  output=$1 group=$2; shift 2
  "$ENV/lock/bin/uv" pip compile pyproject.toml --group "$group" \
    --output-file "requirements/$output.txt" \
    --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
    --no-emit-index-url --no-emit-find-links --no-emit-package tensorflow "$@"
}
# The tests run what the other groups ship: one resolution for all of them.
compile test test
for group in predict predict-tensorflow run run-tensorflow aws model spark spark-cluster fuzz bench; do
  compile "$group" "$group" --constraints requirements/test.txt
done
compile sam sam
compile clients clients
compile bench-kserve bench-kserve
compile schemathesis schemathesis
compile supply supply
# The emulator is one file of aws-sam-cli: the package without what it depends on.
compile emulator sam --no-deps --constraints requirements/sam.txt
