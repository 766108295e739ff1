#!/bin/sh
# Install the two OTLP receivers the tests export to, each in an environment of its own.
#
# Of their own, because the test agent pins an old opentelemetry-proto: beside our SDK, pip
# silently backtracks to an agent without an OTLP receiver. PYTHON names the interpreter.
set -eu

agent_version=1.69.1
rotel_version=0.0.1a15
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
python=${PYTHON:-python3}

# An environment without its stamp is half made: begin again.
make_environment() {
    rm -rf "$2"
    "$1" -m venv "$2"
}

install_agent() {
    environment=$root/.venv-otlp
    stamp=$environment/ddapm-test-agent-$agent_version.installed
    if [ -f "$stamp" ]; then
        return 0
    fi
    make_environment "$python" "$environment"
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check \
        "ddapm-test-agent==$agent_version"
    : >"$stamp"
}

# Its wheels are for some platforms and Pythons only.
fetch_rotel() {
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check \
        --only-binary=:all: --pre "rotel==$rotel_version"
}

# The binary is linked to libpython, which no loader looks for beside the interpreter.
write_rotel_launcher() {
    "$environment/bin/python" - "$environment/bin/rotel-agent" <<'END'
import pathlib, rotel, shlex, sys, sysconfig

binary = shlex.quote(str(pathlib.Path(rotel.__file__).with_name("rotel-agent")))
libraries = shlex.quote(sysconfig.get_config_var("LIBDIR") or "")
launcher = pathlib.Path(sys.argv[1])
launcher.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH={libraries} exec {binary} "$@"\n')
launcher.chmod(0o755)
END
}

install_rotel_with() {
    make_environment "$1" "$environment" && fetch_rotel && write_rotel_launcher &&
        "$environment/bin/rotel-agent" --version && : >"$stamp"
}

# An alpha, so its absence is said, not fatal. A Python built without libpython cannot run it: the
# system's often can.
install_rotel() {
    environment=$root/.venv-rotel
    stamp=$environment/rotel-$rotel_version.installed
    complaint=$root/.venv-otlp/rotel.log
    if [ -f "$stamp" ]; then
        return 0
    fi
    for candidate in "$python" /usr/bin/python3; do
        if install_rotel_with "$candidate" >"$complaint" 2>&1; then
            rm "$complaint"
            return 0
        fi
    done
    rm -rf "$environment"
    echo "rotel $rotel_version cannot be installed here (see .venv-otlp/rotel.log): its tests will not run."
}

install_agent
install_rotel
